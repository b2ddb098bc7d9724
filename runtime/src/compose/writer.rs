//! The writer thread: appends what was sequenced, syncs once for all of it, and says how far it is durable.
//!
//! It alone owns the log's write side. It also trims, since that is a write. What each step does is the
//! engine's ([`LogWriter`]); when it is done is decided here.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use camshaft_engine::{LogWriter, Trimmed};
use camshaft_log::LogError;

use super::core::Core;
use super::flusher;
use super::pace::{Commit, Pace};
use super::priority;
use crate::Durability;

/// How long unsynced records may stay so under `durability = "async"`.
const ASYNC_SYNC_INTERVAL: Duration = Duration::from_millis(200);

/// How long records wait for those of a batch that is about to commit, so that one sync does for an event and
/// for what came of it. Less than a sync takes: waiting longer would cost more than it saves.
const GATHER: Duration = Duration::from_micros(50);

/// While the log grows, how often the flusher looks how much of it may be trimmed. What was written since it
/// looked last waits for its next look, some seconds, if nothing more comes.
const FLUSHER_INTERVAL: Duration = Duration::from_millis(100);

/// How often a full disk is looked at again.
const NO_SPACE_INTERVAL: Duration = Duration::from_secs(1);

pub(crate) fn run(core: &Arc<Core>, log: LogWriter) {
    let scheduling = priority::request();
    tracing::info!(scheduling, "writer thread started");
    if core.scheduling.set(scheduling).is_err() {
        tracing::debug!("the writer thread was already started");
    }
    let mut writer = Writer {
        core,
        log,
        pace: Pace::default(),
        unsynced_since: None,
        flusher_rung: Instant::now(),
        full: false,
    };
    loop {
        let seen = core.write.count();
        match writer.round(seen) {
            Ok(true) => {}
            Ok(false) if core.is_closing() => break,
            Ok(false) => core.write.wait(seen, writer.patience()),
            Err(error) => {
                core.fail(&error);
                return;
            }
        }
    }
    // After a poisoned end nothing is claimed about what is on the disk.
    if core.durable.state().poisoned.is_none()
        && let Err(error) = writer.log.close()
    {
        tracing::error!(%error, "could not close the log cleanly; the next start recovers it");
    }
    core.durable.close();
}

struct Writer<'c> {
    core: &'c Arc<Core>,
    log: LogWriter,
    pace: Pace,
    unsynced_since: Option<Instant>,
    /// When the flusher was woken last.
    flusher_rung: Instant,
    /// Whether the disk had no room for the next segment.
    full: bool,
}

impl Writer<'_> {
    /// One group commit; whether there was anything to do.
    fn round(&mut self, seen: u64) -> Result<bool, LogError> {
        self.gather(seen);
        let (records, publishes) = {
            let mut sequencer = self.core.sequencer.lock();
            let publishes = sequencer.queued_publishes();
            (sequencer.take_queue(), publishes)
        };
        let has_records = !records.is_empty();
        self.log.append(&records)?;
        let is_async = self.core.config.durability == Durability::Async;
        if has_records && is_async {
            self.unsynced_since.get_or_insert_with(Instant::now);
        }
        let overdue = self.unsynced_since.is_some_and(|since| since.elapsed() >= ASYNC_SYNC_INTERVAL);
        let is_last = self.core.is_closing() && self.unsynced_since.is_some();
        let commit = if (has_records && !is_async) || overdue || is_last {
            Some(self.sync(records.len(), publishes)?)
        } else {
            None
        };
        let trimmed = self.trim()?;
        let has_healed = self.reserve()?;
        if has_records || commit.is_some() || trimmed || self.full || has_healed {
            self.announce(commit);
        }
        Ok(has_records)
    }

    fn sync(&mut self, records: usize, publishes: usize) -> Result<Commit, LogError> {
        // IMPORTANT: before anything about these records leaves the process.
        let began = Instant::now();
        self.log.sync()?;
        self.unsynced_since = None;
        Ok(Commit { began, ended: Instant::now(), records, publishes })
    }

    /// Lets come together what one sync can do for.
    fn gather(&self, seen: u64) {
        if let Some(left) = self.pace.left(Instant::now()) {
            let publishes = self.pace.publishes();
            self.core.gathers.store(publishes, Ordering::Relaxed);
            let seen = self.core.write.count();
            if self.core.sequencer.lock().queued_publishes() < publishes {
                self.core.write.wait(seen, Some(left));
            }
            // Before the queue is looked at: whoever queues after that rings.
            self.core.gathers.store(0, Ordering::Relaxed);
        } else if self.is_more_to_come() {
            self.core.write.wait(seen, Some(GATHER));
        }
    }

    /// Whether something is queued, and a worker is about to add to it.
    fn is_more_to_come(&self) -> bool {
        let sequencer = self.core.sequencer.lock();
        sequencer.has_queued() && (sequencer.running_batches() > 0 || sequencer.has_work())
    }

    fn announce(&mut self, commit: Option<Commit>) {
        let (durable, flush, waiting) = self.core.step(|sequencer| {
            let durable = self.log.announce(sequencer);
            let is_covered = self.core.log.synced() >= self.core.flush_waits_for.load(Ordering::Relaxed);
            let flush = is_covered || flusher::is_full(self.core, sequencer);
            (durable, flush, sequencer.queued_publishes())
        });
        if let Some(commit) = commit {
            self.pace.note(commit, waiting);
        }
        self.core.durable.advance(durable);
        // Not after each sync, which would be thousands of times a second.
        if flush || self.flusher_rung.elapsed() >= FLUSHER_INTERVAL {
            self.flusher_rung = Instant::now();
            self.core.flush.ring();
        }
    }

    /// Reserves room ahead; whether a full disk has healed.
    fn reserve(&mut self) -> Result<bool, LogError> {
        let lacks = self.log.reserve()?;
        let was_full = std::mem::replace(&mut self.full, lacks.is_some());
        match lacks {
            Some(error) if !was_full => {
                tracing::warn!(%error, "no space is left for the log: publishers are refused once its reserve is used up");
            }
            None if was_full => tracing::info!("the log has room again"),
            _ => {}
        }
        Ok(was_full && !self.full)
    }

    fn trim(&mut self) -> Result<bool, LogError> {
        let before = self.core.trim_before.swap(0, Ordering::AcqRel);
        if before == 0 {
            return Ok(false);
        }
        let was = self.core.log.bounds().first_sequence;
        match self.log.trim(before)? {
            Trimmed::To(first) if first == was => Ok(false),
            Trimmed::To(first) => {
                tracing::info!(first, "trimmed the log");
                Ok(true)
            }
            Trimmed::NotNow(error) => {
                tracing::warn!(%error, "could not trim the log, retrying");
                Ok(false)
            }
        }
    }

    fn patience(&self) -> Option<Duration> {
        match (self.unsynced_since, self.full) {
            (Some(since), _) => Some(ASYNC_SYNC_INTERVAL.saturating_sub(since.elapsed())),
            (None, true) => Some(NO_SPACE_INTERVAL),
            (None, false) => None,
        }
    }
}
