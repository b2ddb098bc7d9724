//! Flushing: a full overlay is frozen, written as one atomic batch, and let go.
//!
//! The flusher freezes under the sequencer's lock, writes outside it, and only after the frozen sequence is
//! durable in the log; then it lets go under the lock again. Nothing waits for the write but a further
//! freeze.

use std::sync::Arc;

use camshaft_event::transaction::RecentEvents;
use camshaft_event::{ConsumerId, Offset, Sequence};
use camshaft_sabotage::{Sabotage, is_on};

use crate::apply::encode;
use crate::overlay::Overlay;
use crate::store::{Change, Store, StoreError};
use crate::tables::{FORMAT_VERSION, Progress};
use crate::{Tables, keys};

/// An overlay that no longer changes, on its way into the store.
#[derive(Debug)]
pub struct Frozen {
    pub(crate) overlay: Overlay,
    progress: Progress,
}

/// Where a consumer stands.
#[derive(Clone, Debug)]
pub struct ConsumerProgress {
    /// Which one.
    pub consumer: ConsumerId,
    /// Every event before it is done, held or dead.
    pub floor: Offset,
    /// The events by which it is measured, if there are some.
    pub recent: Option<RecentEvents>,
}

impl Frozen {
    /// Whether it may be written, now that the log is durable up to `synced`. IMPORTANT: never ahead of the
    /// log. A snapshot of what the log then loses could never be explained.
    #[must_use]
    pub fn is_covered_by(&self, synced: Sequence) -> bool {
        self.progress.sequence <= synced || is_on(Sabotage::FlushAheadOfLog)
    }

    /// Up to where it goes.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Writes it with its progress as one atomic, durable batch, once [`Frozen::is_covered_by`] says so. May
    /// be tried again after an error.
    ///
    /// # Errors
    /// A store that cannot be written, such as for a full disk.
    pub fn write(&self, store: &impl Store) -> Result<(), StoreError> {
        let progress = self.progress.to_bytes();
        let format = [FORMAT_VERSION];
        let head: [Change<'_>; 2] = [(keys::FORMAT, Some(&format)), (keys::PROGRESS, Some(&progress))];
        let mut identities: Vec<_> =
            self.overlay.identities().map(|(hash, known)| (keys::identity(hash), known.to_bytes())).collect();
        identities.sort_unstable();
        let identities = identities.iter().map(|(key, value)| (key.as_slice(), Some(value.as_slice())));
        let before = self.overlay.changes(&[], Some(keys::identities()));
        let behind = self.overlay.changes(keys::identities(), None);
        store.write(&mut head.into_iter().chain(before).chain(identities).chain(behind))
    }
}

impl<S: Store> Tables<S> {
    /// Freezes what has changed since the last freeze, with where each consumer stands now, and by which
    /// events it is measured: both change with each batch, and no transaction says so. `None` while an
    /// earlier freeze has not been let go, or if nothing was applied.
    pub fn freeze(&mut self, progress: impl IntoIterator<Item = ConsumerProgress>) -> Option<Arc<Frozen>> {
        if self.frozen.is_some() || self.progress.sequence == self.snapshot.sequence {
            return None;
        }
        for ConsumerProgress { consumer, floor, recent } in progress {
            self.put_floor(consumer, floor);
            if let Some(recent) = recent {
                self.put_recent(consumer, &recent);
            }
        }
        for (consumer, size) in self.sizes.take_changes() {
            self.active.put(keys::state_size(consumer), encode(&size));
        }
        if let Some(bytes) = self.fact_bytes.take_change() {
            self.active.put(keys::FACT_BYTES.to_vec(), bytes);
        }
        let overlay = std::mem::take(&mut self.active);
        let frozen = Arc::new(Frozen { overlay, progress: self.progress });
        self.frozen = Some(Arc::clone(&frozen));
        Some(frozen)
    }

    /// Lets go of the frozen overlay after [`Frozen::write`] succeeded. Returns it, so that the caller can
    /// drop it outside the critical section.
    pub fn flushed(&mut self) -> Option<Arc<Frozen>> {
        let frozen = self.frozen.take()?;
        self.snapshot = frozen.progress;
        Some(frozen)
    }

    /// Whether a frozen overlay is on its way into the store.
    #[must_use]
    pub fn is_flushing(&self) -> bool {
        self.frozen.is_some()
    }

    /// Estimate of the memory that changes since the last freeze take, in bytes.
    #[must_use]
    pub fn active_bytes(&self) -> usize {
        self.active.bytes()
    }
}
