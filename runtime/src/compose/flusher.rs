//! The flusher: writes a full overlay as a snapshot, and says how far the log may be trimmed. Before that it
//! copies the facts that would go.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use camshaft_engine::{FactCopy, Reading, Retention, RetentionOptions, Sequencer};
use camshaft_event::Sequence;
use camshaft_log::LogError;
use camshaft_tables::store::StoreError;
use camshaft_tables::{Frozen, TablesError, forget_before, sweep_state};

use super::EmbeddedStore;
use super::budget::Budget;
use super::core::Core;
use super::kept_time;

/// How often it looks whether there is anything to do.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// How long changes may stay without a snapshot: it bounds what a start has to apply again.
const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(60);

/// How often a full disk is tried again.
const FULL_INTERVAL: Duration = Duration::from_secs(1);

/// Values of old state that are deleted at a time.
const SWEEP_PORTION: usize = 50_000;

pub(crate) fn run(core: &Arc<Core>) {
    let mut last_flush = Instant::now();
    let mut keeper = Keeper::new(core);
    loop {
        let seen = core.flush.count();
        let stopping = core.is_stopping();
        let overdue = last_flush.elapsed() >= SNAPSHOT_INTERVAL;
        let frozen = {
            let mut sequencer = core.sequencer.lock();
            let frozen =
                if is_full(core, &sequencer) || overdue || stopping { sequencer.freeze() } else { None };
            if let Some(frozen) = &frozen {
                core.flush_waits_for.store(frozen.progress().sequence.0, Ordering::Relaxed);
            }
            frozen
        };
        if let Some(frozen) = frozen {
            if !flush(core, &frozen) {
                return;
            }
            last_flush = Instant::now();
            if !stopping && let Err(error) = sweep(core) {
                tracing::warn!(%error, "could not sweep unreachable entries from the store, retrying");
            }
        } else if overdue {
            last_flush = Instant::now();
        }
        if stopping || core.durable.state().poisoned.is_some() {
            return;
        }
        if let Err(error) = keeper.request_trim(core) {
            core.fail(error);
            return;
        }
        core.flush.wait(seen, Some(LOOK_INTERVAL));
    }
}

/// Whether the overlay is large enough to be written as a snapshot.
pub(crate) fn is_full(core: &Core, sequencer: &Sequencer<EmbeddedStore>) -> bool {
    sequencer.tables().active_bytes() >= Budget::of(core.config.memory).freeze
}

/// Writes a frozen overlay; whether the flusher may go on.
fn flush(core: &Core, frozen: &Arc<Frozen>) -> bool {
    loop {
        let seen = core.flush.count();
        if frozen.is_covered_by(Sequence(core.log.synced())) {
            break;
        }
        if core.durable.state().poisoned.is_some() {
            return false;
        }
        core.flush.wait(seen, Some(LOOK_INTERVAL));
    }
    let store = {
        let sequencer = core.sequencer.lock();
        core.flush_waits_for.store(u64::MAX, Ordering::Relaxed);
        Arc::clone(sequencer.tables().store())
    };
    let started = Instant::now();
    loop {
        match frozen.write(&*store) {
            Ok(()) => break,
            Err(error @ StoreError::Full { .. }) => {
                tracing::warn!(%error, "no space is left for the snapshot, retrying");
                if core.is_stopping() {
                    // The log has it all.
                    return false;
                }
                std::thread::sleep(FULL_INTERVAL);
            }
            Err(error) => {
                core.fail(error);
                return false;
            }
        }
    }
    let written = core.step(|sequencer| sequencer.flushed());
    core.durable.has_room();
    tracing::debug!(sequence = frozen.progress().sequence.0, elapsed = ?started.elapsed(), "wrote a snapshot");
    drop(written);
    true
}

/// Lets the store delete what nothing reaches any more, until the next flush is due.
fn sweep(core: &Core) -> Result<(), TablesError> {
    let (store, first_offset) = {
        let sequencer = core.sequencer.lock();
        (Arc::clone(sequencer.tables().store()), sequencer.first_offset())
    };
    forget_before(&*store, first_offset);
    while !core.is_draining() && !is_full(core, &core.sequencer.lock()) {
        if sweep_state(&*store, SWEEP_PORTION)? < SWEEP_PORTION {
            break;
        }
    }
    Ok(())
}

/// Decides how much of the log is kept.
struct Keeper {
    retention: Retention,
    copy: FactCopy,
    /// When the time was last written down, and how far the log had come then.
    written: Option<(Instant, u64)>,
}

impl Keeper {
    fn new(core: &Core) -> Self {
        let age_ms = u64::try_from(core.config.retention.age.as_millis()).unwrap_or(u64::MAX);
        let options = RetentionOptions {
            age_ms,
            max_bytes: core.config.retention.bytes,
            ..RetentionOptions::default()
        };
        let kept = kept_time::read(&core.config.data);
        let retention = Retention::new(options, kept, &core.log.bounds(), Reading::of(&core.clock));
        Self { retention, copy: FactCopy::new(Arc::clone(&core.kept)), written: None }
    }

    /// Copies the facts in the records that retention, snapshot and consumers all let go, and asks the writer
    /// to trim these records.
    ///
    /// # Errors
    /// It is not known whether copied facts are durable.
    fn request_trim(&mut self, core: &Core) -> Result<(), LogError> {
        let bounds = core.log.bounds();
        if let Some(jump) = self.retention.look(Reading::of(&core.clock), &bounds) {
            tracing::warn!(
                ahead = ?Duration::from_millis(jump.ahead_ms),
                "the clock is ahead of the elapsed time; retention ignores it unless it stays ahead for {:?}",
                Duration::from_millis(jump.trust_after_ms)
            );
        }
        self.write_time(core, bounds.last_sequence);
        match self.retention.to_trim(&*core.log, &core.sequencer) {
            Ok(Some(before)) => self.copy_facts(core, before),
            Ok(None) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, "could not search the log for records to trim");
                Ok(())
            }
        }
    }

    /// Copies facts before `before`, at most one step, and asks the writer to trim as far as that went.
    fn copy_facts(&mut self, core: &Core, before: u64) -> Result<(), LogError> {
        let started = Instant::now();
        let copied = match self.copy.copy(&*core.log, &core.sequencer, before) {
            Ok(copied) => copied,
            Err(error @ LogError::Poisoned { .. }) => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "could not copy facts, retrying; the log is not trimmed until then");
                return Ok(());
            }
        };
        if let Some(error) = &copied.damage {
            tracing::error!(%error, "a record that is about to be trimmed is damaged: facts in it are lost");
        }
        if copied.facts > 0 {
            let (facts, bytes) = (copied.facts, copied.file_bytes);
            tracing::info!(facts, bytes, elapsed = ?started.elapsed(), "copied facts out of the log");
        }
        core.trim_before.store(copied.before, Ordering::Release);
        core.write.ring();
        if copied.before < before {
            // Another step has work at once, after a look whether a snapshot is due.
            core.flush.ring();
        }
        Ok(())
    }

    /// Writes the trusted time down for the next process, while the log grows. An older one does no harm.
    fn write_time(&mut self, core: &Core, last_sequence: u64) {
        let is_due =
            |(at, sequence): (Instant, u64)| sequence != last_sequence && at.elapsed() >= SNAPSHOT_INTERVAL;
        if self.written.is_none_or(is_due) {
            self.written = Some((Instant::now(), last_sequence));
            if let Err(error) = kept_time::write(&core.config.data, self.retention.to_keep()) {
                tracing::warn!(%error, "could not save the time; a restart cannot detect a wrong clock");
            }
        }
    }
}
