//! The flusher: writes a full overlay as a snapshot, and says how far the log may be trimmed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use camshaft_event::{Sequence, Timestamp};
use camshaft_log::LogError;
use camshaft_tables::store::StoreError;
use camshaft_tables::{Frozen, TablesError, forget_before, sweep_state};

use super::budget::Budget;
use super::core::Core;

/// How often it looks whether there is anything to do.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// How long changes may stay without a snapshot: it bounds what a start has to apply again.
const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(60);

/// How often a full disk is tried again.
const FULL_INTERVAL: Duration = Duration::from_secs(1);

/// Values of old state that are deleted at a time.
const SWEEP_PORTION: usize = 50_000;

pub(crate) fn run(core: &Arc<Core>) {
    let freeze_bytes = Budget::of(core.config.memory).freeze;
    let mut last_flush = Instant::now();
    loop {
        let seen = core.flush.count();
        let stopping = core.is_stopping();
        let overdue = last_flush.elapsed() >= SNAPSHOT_INTERVAL;
        let frozen = {
            let mut sequencer = core.sequencer.lock();
            let full = sequencer.tables().active_bytes() >= freeze_bytes;
            if full || overdue || stopping { sequencer.freeze() } else { None }
        };
        if let Some(frozen) = frozen {
            if !flush(core, &frozen) {
                return;
            }
            last_flush = Instant::now();
            if !stopping && let Err(error) = sweep(core, freeze_bytes) {
                tracing::warn!(%error, "what nothing reaches could not be swept from the store; it is tried again");
            }
        } else if overdue {
            last_flush = Instant::now();
        }
        if stopping || core.durable.standing().poisoned.is_some() {
            return;
        }
        request_trim(core);
        core.flush.wait(seen, Some(LOOK_INTERVAL));
    }
}

/// Writes a frozen overlay; whether the flusher may go on.
fn flush(core: &Core, frozen: &Arc<Frozen>) -> bool {
    loop {
        let seen = core.flush.count();
        if frozen.is_covered_by(Sequence(core.log.synced())) {
            break;
        }
        if core.durable.standing().poisoned.is_some() {
            return false;
        }
        core.flush.wait(seen, Some(LOOK_INTERVAL));
    }
    let store = Arc::clone(core.sequencer.lock().tables().store());
    let started = Instant::now();
    loop {
        match frozen.write(&*store) {
            Ok(()) => break,
            Err(error @ StoreError::Full { .. }) => {
                tracing::warn!(%error, "no space is left for the snapshot; it is tried again");
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
    tracing::debug!(sequence = frozen.progress().sequence.0, elapsed = ?started.elapsed(), "wrote a snapshot");
    drop(written);
    true
}

/// Lets the store delete what nothing reaches any more, until the next flush is due.
fn sweep(core: &Core, freeze_bytes: usize) -> Result<(), TablesError> {
    let (store, first_offset) = {
        let sequencer = core.sequencer.lock();
        (Arc::clone(sequencer.tables().store()), sequencer.first_offset())
    };
    forget_before(&*store, first_offset);
    while !core.is_draining() && core.sequencer.lock().tables().active_bytes() < freeze_bytes {
        if sweep_state(&*store, SWEEP_PORTION)? < SWEEP_PORTION {
            break;
        }
    }
    Ok(())
}

/// Asks the writer to trim what retention, snapshot and consumers all let go.
fn request_trim(core: &Core) {
    match trim_before(core) {
        Ok(before) if before > core.log.bounds().first_sequence => {
            core.trim_before.store(before, Ordering::Release);
            core.write.ring();
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the log could not be searched for what may be trimmed"),
    }
}

fn trim_before(core: &Core) -> Result<u64, LogError> {
    let now = core.now();
    let bounds = core.log.bounds();
    let age_ms = u64::try_from(core.config.retention.age.as_millis()).unwrap_or(u64::MAX);
    let oldest = Timestamp(now.0.saturating_sub(age_ms));
    let mut expired = core.log.find_time(oldest.0)?;
    if let Some(limit) = core.config.retention.bytes
        && bounds.retained_bytes > limit
    {
        // Old segments have about equal records: so many of them make up what is too much.
        let records = bounds.last_sequence + 1 - bounds.first_sequence;
        let share = u128::from(records) * u128::from(bounds.retained_bytes - limit)
            / u128::from(bounds.retained_bytes);
        expired = expired.max(bounds.first_sequence + u64::try_from(share).unwrap_or(0));
    }
    let needed = core.sequencer.lock().needed(now);
    let pinned = match core.log.find_offset(needed.next_offset.0) {
        Ok(found) => found.unwrap_or(bounds.last_sequence),
        // A consumer that waits behind damage keeps all of it.
        Err(LogError::Trimmed { .. } | LogError::Corrupt { .. }) => bounds.first_sequence,
        Err(error) => return Err(error),
    };
    Ok(expired.min(pinned).min(needed.sequence.next().0))
}
