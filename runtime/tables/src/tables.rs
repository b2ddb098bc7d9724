//! The tables themselves: what is in memory, what is in the store, and up to which transaction.

use std::sync::Arc;

use camshaft_event::{Offset, Sequence};
use thiserror::Error;

use crate::facts::FactBytes;
use crate::overlay::Overlay;
use crate::state_size::StateSizes;
use crate::store::{Store, StoreError};
use crate::{ConsumerDamage, Frozen, keys};

/// Version of the tables' keys and values. Persisted; raise it when an older program must not read them.
pub(crate) const FORMAT_VERSION: u8 = 1;

/// Where a transaction lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Its sequence.
    pub sequence: Sequence,
    /// The offset of its first event, or of the next event if it adds none.
    pub first_offset: Offset,
}

/// Up to where transactions have been applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The last applied transaction.
    pub sequence: Sequence,
    /// The offset that the next event will get.
    pub next_offset: Offset,
}

/// All that the runtime knows beside the log.
#[derive(Debug)]
pub struct Tables<S> {
    pub(crate) store: Arc<S>,
    pub(crate) active: Overlay,
    pub(crate) frozen: Option<Arc<Frozen>>,
    pub(crate) progress: Progress,
    pub(crate) sizes: StateSizes,
    pub(crate) fact_bytes: FactBytes,
    /// Up to where the store's snapshot goes.
    pub(crate) snapshot: Progress,
}

/// Why the tables could not be read or written.
#[derive(Debug, Error)]
pub enum TablesError {
    /// The embedded store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store was written by a newer program.
    #[error("the tables have format {found}, but this program reads format {FORMAT_VERSION}")]
    NewerFormat {
        /// The version found.
        found: u8,
    },
    /// A value in the store is not what the format says.
    #[error("the tables contain a damaged {what}")]
    Damaged {
        /// Which kind of value.
        what: &'static str,
    },
    /// Entries that only one consumer needs cannot be read.
    #[error("{0}")]
    OfConsumer(Box<ConsumerDamage>),
    /// A transaction does not follow the last applied one.
    #[error("transaction {found} does not follow transaction {expected_after} in the tables")]
    OutOfOrder {
        /// The transaction that came.
        found: Sequence,
        /// The last applied one.
        expected_after: Sequence,
    },
}

impl TablesError {
    /// The newest format that this program reads.
    pub const SUPPORTED_FORMAT: u8 = FORMAT_VERSION;

    /// Whether entries are damaged: tables that are made anew from the log would not be.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } | Self::OfConsumer(_) => true,
            Self::Store(error) => error.is_damage(),
            Self::NewerFormat { .. } | Self::OutOfOrder { .. } => false,
        }
    }
}

impl<S: Store> Tables<S> {
    /// Opens the tables at their snapshot; the caller then applies what the log holds after it.
    ///
    /// # Errors
    /// An unreadable store, or one of a newer format.
    pub fn open(store: Arc<S>) -> Result<Self, TablesError> {
        match store.get(keys::FORMAT)?.as_deref() {
            None | Some([FORMAT_VERSION]) => {}
            Some(&[found]) => return Err(TablesError::NewerFormat { found }),
            Some(_) => return Err(TablesError::Damaged { what: "format version" }),
        }
        let progress = match store.get(keys::PROGRESS)? {
            None => Progress::default(),
            Some(bytes) => Progress::from_bytes(&bytes).ok_or(TablesError::Damaged { what: "progress" })?,
        };
        let sizes = StateSizes::of(store.as_ref())?;
        let fact_bytes = FactBytes::of(store.as_ref())?;
        let (active, snapshot) = (Overlay::default(), progress);
        Ok(Self { store, active, frozen: None, progress, sizes, fact_bytes, snapshot })
    }

    /// Up to where transactions have been applied.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Up to where the durable snapshot goes; start applies the log after it.
    #[must_use]
    pub fn snapshot(&self) -> Progress {
        self.snapshot
    }

    /// Estimate of the memory that unflushed changes take, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.active.bytes() + self.frozen.as_ref().map_or(0, |frozen| frozen.overlay.bytes())
    }

    /// The embedded store, for reads outside the sequencer's critical section.
    #[must_use]
    pub fn store(&self) -> &Arc<S> {
        &self.store
    }
}

impl Progress {
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        [self.sequence.0.to_le_bytes(), self.next_offset.0.to_le_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (sequence, offset) = bytes.split_first_chunk::<8>()?;
        let offset = u64::from_le_bytes(offset.try_into().ok()?);
        Some(Self { sequence: Sequence(u64::from_le_bytes(*sequence)), next_offset: Offset(offset) })
    }
}
