//! What one instance of a component makes, everything that it instantiates in turn included.

use super::{Fault, more};
use crate::engine::{CORE_INSTANCES_EACH, MEMORIES_EACH, TABLES_EACH};

/// Component instances that one instance of a plugin consists of. Tools make a few.
const MAX_INSTANCES: u64 = 1_000;
/// Definitions of all these instances; each costs a few hundred bytes while the plugin is compiled.
/// Python has 3,700.
const MAX_DEFINITIONS: u64 = 100_000;

/// Counts that stop at their largest value instead of wrapping.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums {
    /// Instances of components.
    pub instances: u64,
    /// Instances of core modules.
    pub core_instances: u64,
    /// Memories that the core modules bring.
    pub memories: u64,
    /// Tables that they bring.
    pub tables: u64,
    /// Entries of the components' sections.
    pub definitions: u64,
}

impl Sums {
    /// Both together.
    pub const fn plus(self, other: Self) -> Self {
        Self {
            instances: self.instances.saturating_add(other.instances),
            core_instances: self.core_instances.saturating_add(other.core_instances),
            memories: self.memories.saturating_add(other.memories),
            tables: self.tables.saturating_add(other.tables),
            definitions: self.definitions.saturating_add(other.definitions),
        }
    }

    /// Whether one instance of a plugin may make so much. The pool holds that many for each instance.
    pub fn check(self) -> Result<(), Fault> {
        let bounds = [
            (self.instances, MAX_INSTANCES, "component instances, counted with those inside them"),
            (self.core_instances, u64::from(CORE_INSTANCES_EACH), "instances of core modules"),
            (self.memories, u64::from(MEMORIES_EACH), "memories"),
            (self.tables, u64::from(TABLES_EACH), "tables"),
            (self.definitions, MAX_DEFINITIONS, "definitions, counted for each component instance"),
        ];
        match bounds.into_iter().find(|(count, max, _)| count > max) {
            None => Ok(()),
            Some((_, max, what)) => Err(more(max, what)),
        }
    }
}
