//! Retention: up to where the log may be trimmed, and by which time detached consumers let go of it.
//!
//! Trimming cannot be taken back, so no reading of the wall clock decides it alone. What this process has
//! seen written ages by its monotonic clock. What was there before it ages by the [trusted
//! time](trusted_time), which follows a clock that jumped ahead only after an hour. The flusher calls it;
//! nothing here reads a clock.

mod aging;
mod trusted_time;

use camshaft_event::Timestamp;
use camshaft_log::{Bounds, LogError, LogReader};
use camshaft_sabotage::{Sabotage, is_on};
use camshaft_tables::Progress;
use camshaft_tables::store::Store;

use crate::SharedSequencer;
use crate::clock::Reading;
use aging::Aging;
pub use trusted_time::Jump;
use trusted_time::TrustedTime;

/// How long the log keeps its records.
#[derive(Clone, Copy, Debug)]
pub struct RetentionOptions {
    /// Records younger than this stay (`retention.age`).
    pub age_ms: u64,
    /// Beyond this size older records go, whatever their age (`retention.bytes`).
    pub max_bytes: Option<u64>,
    /// How long a wall clock must stay ahead before it is followed.
    pub trust_after_ms: u64,
}

impl Default for RetentionOptions {
    fn default() -> Self {
        Self { age_ms: 7 * 24 * 60 * 60 * 1000, max_bytes: None, trust_after_ms: 60 * 60 * 1000 }
    }
}

/// Decides what the log keeps.
#[derive(Debug)]
pub struct Retention {
    options: RetentionOptions,
    time: TrustedTime,
    aging: Aging,
    /// The last record that was there when the process started.
    inherited: u64,
    reading: Reading,
}

impl Retention {
    /// For a process that starts now. `kept` is what [`Retention::to_keep`] returned last in an earlier
    /// process; without it the time of the log's last record stands in.
    #[must_use]
    pub fn new(
        options: RetentionOptions,
        kept: Option<Timestamp>,
        bounds: &Bounds,
        reading: Reading,
    ) -> Self {
        let last = (bounds.last_timestamp_ms > 0).then_some(Timestamp(bounds.last_timestamp_ms));
        let begin = kept.or(last).unwrap_or(reading.wall);
        Self {
            options,
            time: TrustedTime::new(begin, reading.elapsed_ms(), options.trust_after_ms),
            aging: Aging::new(options.age_ms),
            inherited: bounds.last_sequence,
            reading,
        }
    }

    /// Looks at the clocks and at how far the log has come. Returns a jump of the wall clock when it is first
    /// seen.
    pub fn look(&mut self, reading: Reading, bounds: &Bounds) -> Option<Jump> {
        self.reading = reading;
        self.aging.look(reading.elapsed_ms(), bounds.last_sequence);
        self.time.look(reading)
    }

    /// The time by which decisions are made that cannot be taken back.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        if is_on(Sabotage::TrimByWallClock) {
            return self.reading.wall;
        }
        self.time.at(self.reading.elapsed_ms()).min(self.reading.wall)
    }

    /// What a later process must be given: it must not learn the time from records that a wrong clock
    /// stamped.
    #[must_use]
    pub fn to_keep(&self) -> Timestamp {
        self.time.at(self.reading.elapsed_ms())
    }

    /// Before which sequence the log is to be trimmed now, if something may go. It reads the log, and enters
    /// the critical section only to ask what snapshot and consumers need.
    ///
    /// # Errors
    /// A log that cannot be searched.
    pub fn to_trim<S: Store>(
        &self,
        log: &dyn LogReader,
        shared: &SharedSequencer<S>,
    ) -> Result<Option<u64>, LogError> {
        let needed = shared.lock().needed(self.now());
        let before = self.trim_before(log, needed)?;
        // What cannot go now is not asked for: that would be all the time while the log is one segment.
        Ok(log.bounds().next_segment.filter(|next| *next <= before).map(|_| before))
    }

    /// The first sequence that must stay, where [`crate::Sequencer::needed`] says what snapshot and consumers
    /// need. It reads the log, so call it without the sequencer's lock.
    ///
    /// # Errors
    /// A log that cannot be searched.
    pub fn trim_before(&self, log: &dyn LogReader, needed: Progress) -> Result<u64, LogError> {
        let bounds = log.bounds();
        let mut expired = self.expired(log)?;
        if let Some(limit) = self.options.max_bytes
            && bounds.retained_bytes > limit
        {
            // Old segments have about equal records: so many of them make up what is too much.
            let records = bounds.last_sequence + 1 - bounds.first_sequence;
            let share = u128::from(records) * u128::from(bounds.retained_bytes - limit)
                / u128::from(bounds.retained_bytes);
            expired = expired.max(bounds.first_sequence + u64::try_from(share).unwrap_or(0));
        }
        let pinned = match log.find_offset(needed.next_offset.0) {
            Ok(found) => found.unwrap_or(bounds.last_sequence),
            // A consumer that waits behind damage keeps all of it.
            Err(LogError::Trimmed { .. } | LogError::Corrupt { .. }) => bounds.first_sequence,
            Err(error) => return Err(error),
        };
        Ok(expired.min(pinned).min(needed.sequence.next().0))
    }

    /// The first sequence that is not past its age.
    fn expired(&self, log: &dyn LogReader) -> Result<u64, LogError> {
        let oldest = self.now().0.saturating_sub(self.options.age_ms);
        let by_time = log.find_time(oldest)?;
        if is_on(Sabotage::TrimByWallClock) {
            return Ok(by_time);
        }
        Ok(by_time.min(self.inherited + 1).max(self.aging.expired(self.reading.elapsed_ms())))
    }
}
