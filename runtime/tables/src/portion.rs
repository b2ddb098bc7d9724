//! Portions of a plugin's state: ranges that are read piece by piece, each bounded by entries and by bytes.
//!
//! A reader asks for portions while it lets others in between. How much memory and time a portion takes is
//! bounded, whatever lies in the range.

use std::ops::ControlFlow;

use crate::store::Store;
use crate::{StateRange, StateSpace, TablePart, Tables, TablesError, Versioned, keys};

/// Keys that one portion looks at, deleted ones included; then it ends, with or without entries.
const MAX_VISITED: usize = 4_096;

/// How much one portion may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortionBounds {
    /// Maximum number of entries.
    pub entries: usize,
    /// Bytes of keys and values after which the portion ends; the entry that reaches them is its last.
    pub bytes: usize,
}

/// A part of a plugin's state, in key order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatePortion {
    /// The entries; there may be none although more follow.
    pub entries: Vec<(Vec<u8>, Versioned)>,
    /// The key behind which the next portion begins; `None` at the end of the range.
    pub after: Option<Vec<u8>>,
}

impl<S: Store> Tables<S> {
    /// The next portion of the state entries whose keys begin with `prefix` and lie after `after`.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn state_portion(
        &self,
        space: StateSpace,
        prefix: &[u8],
        after: Option<&[u8]>,
        bounds: PortionBounds,
    ) -> Result<StatePortion, TablesError> {
        let mut portion = StatePortion::default();
        let range = StateRange::under(prefix, after);
        if bounds.entries == 0 || range.is_empty() {
            return Ok(portion);
        }
        let (from, until) = range.in_tables(space);
        let of_consumer = |error: TablesError| error.of_consumer(space.consumer, TablePart::State);
        let (mut damaged, mut bytes, mut visited) = (false, 0, 0);
        let scanned = self.scan_changes(&from, Some(&until), &mut |key, value| {
            let found = value.map(Versioned::from_bytes);
            let (Some(key), None | Some(Some(_))) = (key.get(keys::STATE_PREFIX_BYTES..), &found) else {
                damaged = true;
                return ControlFlow::Break(());
            };
            visited += 1;
            if let Some(Some(found)) = found {
                bytes += key.len() + found.value.len();
                portion.entries.push((key.to_vec(), found));
            }
            if portion.entries.len() < bounds.entries && bytes < bounds.bytes && visited < MAX_VISITED {
                return ControlFlow::Continue(());
            }
            portion.after = Some(key.to_vec());
            ControlFlow::Break(())
        });
        scanned.map_err(|error| of_consumer(error.into()))?;
        if damaged { Err(of_consumer(TablesError::Damaged { what: "state value" })) } else { Ok(portion) }
    }
}
