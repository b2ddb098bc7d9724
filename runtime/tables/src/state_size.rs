//! How large the state of each consumer is, in bytes of keys and values.
//!
//! Each transaction says by how much it lets a state grow, so that the log alone tells the size, and applying
//! it reads nothing. Sizes ride in the snapshot, as progress do.

use std::collections::BTreeMap;

use camshaft_event::{ConsumerId, Generation};

use crate::store::Store;
use crate::{StateSpace, Tables, TablesError, keys};

/// The sizes that are known.
#[derive(Debug, Default)]
pub(crate) struct StateSizes(BTreeMap<ConsumerId, Size>);

#[derive(Debug)]
struct Size {
    generation: Generation,
    bytes: u64,
    /// Whether the snapshot says otherwise.
    has_changed: bool,
}

impl StateSizes {
    /// The sizes of the snapshot.
    pub(crate) fn of(store: &impl Store) -> Result<Self, TablesError> {
        let (mut sizes, mut damaged) = (BTreeMap::new(), false);
        let prefix = keys::state_sizes();
        store.scan(&prefix, keys::end_of(&prefix).as_deref(), &mut |key, value| {
            match (keys::trailing_consumer(key), rmp_serde::from_slice(value)) {
                (Some(id), Ok((generation, bytes))) => {
                    sizes.insert(id, Size { generation, bytes, has_changed: false });
                }
                _ => damaged = true,
            }
            std::ops::ControlFlow::Continue(())
        })?;
        if damaged { Err(TablesError::Damaged { what: "size of state" }) } else { Ok(Self(sizes)) }
    }

    /// Adds what a transaction says of a state.
    pub(crate) fn grow(&mut self, space: StateSpace, growth: i64) {
        if growth == 0 {
            return;
        }
        let bytes = self.get(space).saturating_add_signed(growth);
        self.0.insert(space.consumer, Size { generation: space.generation, bytes, has_changed: true });
    }

    pub(crate) fn get(&self, space: StateSpace) -> u64 {
        let size = self.0.get(&space.consumer).filter(|size| size.generation == space.generation);
        size.map_or(0, |size| size.bytes)
    }

    /// What the next snapshot has to say that the last one does not.
    pub(crate) fn take_changes(&mut self) -> Vec<(ConsumerId, (Generation, u64))> {
        let changed = self.0.iter_mut().filter(|(_, size)| size.has_changed);
        changed
            .map(|(id, size)| {
                size.has_changed = false;
                (*id, (size.generation, size.bytes))
            })
            .collect()
    }
}

impl<S: Store> Tables<S> {
    /// Bytes of keys and values in a state.
    #[must_use]
    pub fn state_bytes(&self, space: StateSpace) -> u64 {
        self.sizes.get(space)
    }
}
