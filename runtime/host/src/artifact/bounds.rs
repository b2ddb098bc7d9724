//! Bounds on what a file consists of, checked before anything reads it further.
//!
//! A small file can make a compiler take gigabytes, minutes, or more stack than a thread has. `survey` shows
//! every section of its one walk to [`Bounds`]. What a component makes is multiplied out over what it
//! instantiates, but never expanded: a component's sums are known when it ends, and only a component that has
//! ended can be instantiated. Each bound lies far above what the tools of any language make.

mod function;
mod sums;
mod types;

use std::path::Path;

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, ComponentTypeRef,
    Encoding, Instance, Parser, Payload,
};

use crate::{Refusal, RefusalCode};
use sums::Sums;

/// Components inside each other. Tools nest one or two.
const MAX_NESTING: usize = 32;
/// Components of a file. Tools make one for each group of exports.
const MAX_COMPONENTS: u64 = 256;
/// Core modules of a file. Python's interpreter with its libraries comes to 14.
const MAX_MODULES: u64 = 256;
/// Functions of all core modules of a file. Python and JavaScript have 13,000; each costs a kilobyte while it
/// is compiled.
const MAX_FUNCTIONS: u64 = 200_000;
/// Types, imports, exports, globals and segments of all core modules of a file. Python and JavaScript have
/// 10,000.
const MAX_ENTRIES: u64 = 500_000;
/// Definitions of all components of a file: types and what is in them, imports, exports, aliases, functions.
/// Python has 2,300.
const MAX_DEFINITIONS: u64 = 100_000;
/// Names that are linked for the outermost component: its imports times the largest type of one. Python has
/// 3,400.
const MAX_LINKED: u64 = 100_000;

/// Why the walk ends early.
pub enum Fault {
    /// The file breaks WebAssembly's rules.
    Broken(wasmparser::Error),
    /// The file has more of something than a plugin may have; what, and how much of it is allowed.
    Beyond(String),
}

impl From<wasmparser::Error> for Fault {
    fn from(error: wasmparser::Error) -> Self {
        Self::Broken(error)
    }
}

/// The refusal of a file that exceeds a bound, and by what.
pub fn beyond(what: &str, file: &Path) -> Refusal {
    Refusal::new(
        RefusalCode::PluginTooComplex,
        format!("\"{}\" is too complex to be compiled: {what}", file.display()),
        "Build it with a released toolchain and optimisations; if it still fails, report it with the file.",
    )
}

/// What was seen of a file so far.
#[derive(Default)]
pub struct Bounds {
    open: Vec<Level>,
    components: u64,
    modules: u64,
    functions: u64,
    entries: u64,
    definitions: u64,
    /// Imports of the outermost component.
    imports: u64,
    /// Declarations of the largest type.
    largest_type: u64,
}

/// A component or core module that has begun and not ended.
#[derive(Default)]
struct Level {
    is_component: bool,
    /// What one instance of it makes.
    sums: Sums,
    /// Its index space of core modules. Nothing is known of one that it is handed.
    modules: Vec<Option<Sums>>,
    /// Its index space of components, likewise.
    components: Vec<Option<Sums>>,
}

impl Bounds {
    /// Walks over `bytes`, a component that stands in a section of a file.
    pub fn check(bytes: &[u8]) -> Result<(), Fault> {
        let mut bounds = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            bounds.note(&payload?, bytes)?;
        }
        Ok(())
    }

    /// Takes the next section of the file `bytes`.
    pub fn note(&mut self, payload: &Payload<'_>, bytes: &[u8]) -> Result<(), Fault> {
        match payload {
            Payload::Version { encoding, .. } => self.begin(*encoding),
            Payload::End(_) => self.end(),
            Payload::ImportSection(_)
            | Payload::TypeSection(_)
            | Payload::FunctionSection(_)
            | Payload::TableSection(_)
            | Payload::MemorySection(_)
            | Payload::TagSection(_)
            | Payload::GlobalSection(_)
            | Payload::ExportSection(_)
            | Payload::ElementSection(_)
            | Payload::DataSection(_)
            | Payload::CodeSectionEntry(_) => self.note_of_module(payload),
            _ => self.note_of_component(payload, bytes),
        }
    }

    fn begin(&mut self, encoding: Encoding) -> Result<(), Fault> {
        let is_component = encoding == Encoding::Component;
        let (count, max, what) = if is_component {
            (&mut self.components, MAX_COMPONENTS, "components")
        } else {
            (&mut self.modules, MAX_MODULES, "core modules")
        };
        add(count, 1, max, what)?;
        if self.open.len() >= MAX_NESTING {
            return Err(more(MAX_NESTING as u64, "levels of components inside each other"));
        }
        self.open.push(Level { is_component, ..Level::default() });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Fault> {
        let Some(Level { is_component, sums, .. }) = self.open.pop() else { return Ok(()) };
        match self.open.last_mut() {
            Some(outer) if is_component => outer.components.push(Some(sums)),
            Some(outer) => outer.modules.push(Some(sums)),
            None => {
                sums.check()?;
                if self.imports.saturating_mul(self.largest_type) > MAX_LINKED {
                    return Err(more(
                        MAX_LINKED,
                        "imported names (imports times the names in the largest type)",
                    ));
                }
            }
        }
        Ok(())
    }

    fn note_of_module(&mut self, payload: &Payload<'_>) -> Result<(), Fault> {
        let entries = match payload {
            Payload::ImportSection(section) => section.clone().into_imports().count() as u64,
            Payload::TypeSection(section) => u64::from(section.count()),
            Payload::TagSection(section) => u64::from(section.count()),
            Payload::GlobalSection(section) => u64::from(section.count()),
            Payload::ExportSection(section) => u64::from(section.count()),
            Payload::ElementSection(section) => u64::from(section.count()),
            Payload::DataSection(section) => u64::from(section.count()),
            Payload::FunctionSection(section) => {
                return add(
                    &mut self.functions,
                    u64::from(section.count()),
                    MAX_FUNCTIONS,
                    "functions in its core modules",
                );
            }
            Payload::CodeSectionEntry(body) => return function::check(body),
            _ => 0,
        };
        if let Some(Level { sums, .. }) = self.open.last_mut() {
            match payload {
                Payload::MemorySection(section) => sums.memories += u64::from(section.count()),
                Payload::TableSection(section) => sums.tables += u64::from(section.count()),
                _ => {}
            }
        }
        add(&mut self.entries, entries, MAX_ENTRIES, "types, imports, exports, globals and segments")
    }

    fn note_of_component(&mut self, payload: &Payload<'_>, bytes: &[u8]) -> Result<(), Fault> {
        let definitions = match payload {
            Payload::ComponentTypeSection(section) => {
                let content = bytes.get(section.original_position()..section.range().end).unwrap_or_default();
                let counted = types::count(section.count(), content, section.original_position())?;
                self.largest_type = self.largest_type.max(counted.largest);
                counted.all
            }
            Payload::CoreTypeSection(section) => u64::from(section.count()),
            Payload::ComponentCanonicalSection(section) => u64::from(section.count()),
            Payload::ComponentImportSection(section) => u64::from(section.count()),
            Payload::ComponentExportSection(section) => u64::from(section.count()),
            Payload::ComponentAliasSection(section) => u64::from(section.count()),
            Payload::InstanceSection(section) => u64::from(section.count()),
            Payload::ComponentInstanceSection(section) => u64::from(section.count()),
            _ => return Ok(()),
        };
        add(&mut self.definitions, definitions, MAX_DEFINITIONS, "definitions in its components")?;
        let is_outermost = self.open.len() == 1;
        let Some(level) = self.open.last_mut() else { return Ok(()) };
        level.sums.definitions = level.sums.definitions.saturating_add(definitions);
        match payload {
            Payload::ComponentImportSection(section) => {
                self.imports += if is_outermost { definitions } else { 0 };
                for import in section.clone() {
                    level.import(import?.ty);
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    let export = export?;
                    level.repeat(export.kind, export.index);
                }
            }
            Payload::InstanceSection(section) => {
                for instance in section.clone() {
                    level.make_core(&instance?)?;
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section.clone() {
                    level.make(&instance?)?;
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.clone() {
                    self.alias(&alias?);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// An alias of a component or module is one more entry of that index space.
    fn alias(&mut self, alias: &ComponentAlias<'_>) {
        let (is_component, known) = match *alias {
            ComponentAlias::Outer { kind, count, index } => {
                let outer = self.open.iter().rev().nth(count as usize);
                match kind {
                    ComponentOuterAliasKind::Component => {
                        (true, outer.and_then(|outer| known(&outer.components, index)))
                    }
                    ComponentOuterAliasKind::CoreModule => {
                        (false, outer.and_then(|outer| known(&outer.modules, index)))
                    }
                    _ => return,
                }
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => (true, None),
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Module, .. } => (false, None),
            _ => return,
        };
        let Some(level) = self.open.last_mut() else { return };
        if is_component { level.components.push(known) } else { level.modules.push(known) }
    }
}

impl Level {
    fn import(&mut self, import: ComponentTypeRef) {
        match import {
            ComponentTypeRef::Component(_) => self.components.push(None),
            ComponentTypeRef::Module(_) => self.modules.push(None),
            _ => {}
        }
    }

    /// An export is one more entry of the index space it exports from.
    fn repeat(&mut self, kind: ComponentExternalKind, index: u32) {
        match kind {
            ComponentExternalKind::Component => self.components.push(known(&self.components, index)),
            ComponentExternalKind::Module => self.modules.push(known(&self.modules, index)),
            _ => {}
        }
    }

    fn make_core(&mut self, instance: &Instance<'_>) -> Result<(), Fault> {
        let args = match instance {
            Instance::FromExports(exports) => exports.len(),
            Instance::Instantiate { module_index, args } => {
                let module = known(&self.modules, *module_index).ok_or_else(|| handed("core module"))?;
                self.sums = self.sums.plus(module);
                self.sums.core_instances = self.sums.core_instances.saturating_add(1);
                args.len()
            }
        };
        self.sums.definitions = self.sums.definitions.saturating_add(args as u64);
        Ok(())
    }

    fn make(&mut self, instance: &ComponentInstance<'_>) -> Result<(), Fault> {
        let args = match instance {
            ComponentInstance::FromExports(exports) => exports.len(),
            ComponentInstance::Instantiate { component_index, args } => {
                let component =
                    known(&self.components, *component_index).ok_or_else(|| handed("component"))?;
                self.sums = self.sums.plus(component);
                self.sums.instances = self.sums.instances.saturating_add(1);
                args.len()
            }
        };
        self.sums.definitions = self.sums.definitions.saturating_add(args as u64);
        Ok(())
    }
}

/// What is known of the entry `index` of an index space.
fn known(space: &[Option<Sums>], index: u32) -> Option<Sums> {
    space.get(index as usize).copied().flatten()
}

/// What such an instance would make depends on the caller. No tool makes it, so it is not worth following.
fn handed(what: &str) -> Fault {
    Fault::Beyond(format!(
        "it instantiates a {what} that is not defined in the instantiating component's own file"
    ))
}

fn add(count: &mut u64, more_of_it: u64, max: u64, what: &str) -> Result<(), Fault> {
    *count = count.saturating_add(more_of_it);
    if *count > max { Err(more(max, what)) } else { Ok(()) }
}

fn more(max: u64, what: &str) -> Fault {
    Fault::Beyond(format!("it has more than {max} {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{CORE_INSTANCES_EACH, MEMORIES_EACH, TABLES_EACH};

    #[test]
    fn the_operators_guide_lists_the_bounds() {
        let guide = include_str!("../../../OPERATING.md");
        for (max, what) in [
            (MAX_NESTING.to_string(), "levels of components inside each other"),
            (MAX_COMPONENTS.to_string(), "components"),
            (MAX_MODULES.to_string(), "core modules"),
            (CORE_INSTANCES_EACH.to_string(), "instances of core modules"),
            (MEMORIES_EACH.to_string(), "memories"),
            (TABLES_EACH.to_string(), "tables"),
            (format!("{},000", MAX_FUNCTIONS / 1_000), "functions"),
        ] {
            let is_listed = |line: &str| {
                line.starts_with(&format!("| {max} |")) && line.ends_with(&format!("| {what} |"))
            };
            assert!(guide.lines().any(is_listed), "runtime/OPERATING.md should list {max} {what}");
        }
    }
}
