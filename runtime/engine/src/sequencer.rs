//! The sequencer: the one critical section that orders everything.
//!
//! Each method is one short step under the caller's lock. A step validates, assigns sequence and offsets,
//! applies the transaction to the tables, routes its events and queues its bytes for the writer; so log order
//! is commit order. It never waits, never does I/O on its usual path, and takes the time as an argument.

mod attach;
mod commands;
mod commit;
mod damage;
mod dead_letters;
mod delivered;
mod flush;
mod held_events;
mod history;
mod lag;
mod lifecycle;
mod pause;
mod probation;
mod publish;
mod recover;
mod redrive;
mod redrive_jobs;
mod refold;
mod release;
mod reset;
mod settle;
mod shortages;
mod skip;
mod status;
mod stuck;
mod suspects;
mod timers;
mod turns;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use camshaft_event::transaction::{Floor, Published, Section};
use camshaft_event::{ActivationId, ConsumerId, Event, Offset, RedriveId, Sequence, Timestamp, Transaction};
use camshaft_log::record_bytes;
use camshaft_tables::store::Store;
use camshaft_tables::{Position, Progress, Tables, TablesError};
use thiserror::Error;

pub use attach::Attached;
pub use commands::CommandState;
pub use commit::Committed;
pub use dead_letters::{DeadPortion, FoundDeadLetter};
pub use delivered::Standing;
pub use held_events::{FoundHeld, HeldError, HeldEventEntry};
pub use history::HistoryEntry;
pub use lag::{LagRead, LogEvents, ReadError};
pub use lifecycle::ConsumerError;
pub use pause::Pause;
pub use probation::{ProbationState, Verdict, VerdictOutcome};
pub use publish::{Probe, PublishRefusal, Receipt, Receipts};
pub use recover::RecoverError;
pub use redrive::DeadLetterError;
pub use redrive_jobs::{RedriveError, RedrivePreview, RedriveStatus};
pub use refold::RefoldCommit;
pub use release::Release;
pub use reset::{ResetPlace, ResetTo, first_offset_since};
pub use skip::Skipped;
pub use status::{ConsumerState, DeadLetterEntry};
pub use stuck::{OldestHeld, Unhandled, WaitsFor};

use crate::alarm::Alarm;
use crate::clock::SteadyTime;
use crate::consumer::{Consumer, Reading};
use crate::consumers::Consumers;
use crate::damage::Damage;
use crate::durability::Durability;
use crate::notice::{Notice, Notices};
use crate::owners::Owners;
use crate::routes::Routes;
use crate::schedule::Schedule;
use crate::timers::Timers;
use crate::write_queue::QueuedRecord;
use crate::{EngineOptions, Sequenced};
use redrive_jobs::Redrive;

/// What a record may take beside what its transaction was measured by: the head, and what the runtime says of
/// an event that alone fills a transaction.
const SLACK_BYTES: usize = 16 * 1024;

/// Orders everything. See the module's head.
#[derive(Debug)]
pub struct Sequencer<S> {
    options: Arc<EngineOptions>,
    tables: Tables<S>,
    consumers: Consumers,
    routes: Routes,
    schedule: Schedule,
    /// Attached consumers that read the log themselves.
    lagging: BTreeSet<ConsumerId>,
    /// Whose turn to read the log it was last.
    last_read: ConsumerId,
    timers: Timers,
    durability: Durability,
    /// The first offset that the log retains.
    first_offset: Offset,
    last_activation: ActivationId,
    /// The redrive jobs that are kept.
    redrives: BTreeMap<RedriveId, Redrive>,
    /// The newest time given to a transaction; the log's timestamps never go back.
    last_at: Timestamp,
    /// What short waits are counted in.
    steady: SteadyTime,
    /// Until when the timekeeper sleeps.
    alarm: Alarm,
    /// Damage that was found since the last [`Sequencer::take_found_damage`].
    found_damage: Vec<(String, Damage)>,
    /// How probations ended since somebody asked.
    verdicts: Vec<Verdict>,
    /// What the log that people watch should say.
    notices: Notices,
    /// Which consumer owns each command type.
    owners: Owners,
    /// Commands that were decided or became dead letters since the last `take_decided`.
    decided: Vec<Offset>,
}

/// Why a transaction could not be sequenced now. Nothing was changed; it may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unready {
    /// Too much waits to be synced.
    #[error("too many bytes wait to be synced")]
    Unsynced,
    /// Too much waits for the flusher.
    #[error("too many changes wait for a snapshot")]
    Unflushed,
    /// The log has no reserved room left.
    #[error("no space is left for the log")]
    NoSpace,
}

impl<S: Store> Sequencer<S> {
    /// The engine's bounds.
    #[must_use]
    pub fn options(&self) -> &Arc<EngineOptions> {
        &self.options
    }

    /// The tables, for typed reads under the lock.
    #[must_use]
    pub fn tables(&self) -> &Tables<S> {
        &self.tables
    }

    /// Up to where transactions have been sequenced.
    #[must_use]
    pub fn sequenced(&self) -> Progress {
        self.tables.progress()
    }

    /// Up to where they are durable: what may leave the process.
    #[must_use]
    pub fn durable(&self) -> Progress {
        self.durability.durable()
    }

    /// The place that the next transaction will take.
    fn next_sequence(&self) -> Sequence {
        self.tables.progress().sequence.next()
    }

    /// The first offset that the log retains.
    #[must_use]
    pub fn first_offset(&self) -> Offset {
        self.first_offset
    }

    /// What happened since this was last asked that the log which people watch should say. What writes that
    /// log asks after each step; the lines are for it to write, outside the lock, and to bound.
    #[must_use]
    pub fn take_notices(&mut self) -> Vec<Notice> {
        self.notices.take()
    }

    /// The records to append next, in order. The writer thread calls it.
    #[must_use]
    pub fn take_queue(&mut self) -> Vec<QueuedRecord> {
        self.durability.queue.take()
    }

    /// Whether the writer has something to append.
    #[must_use]
    pub fn has_queued(&self) -> bool {
        !self.durability.queue.is_empty()
    }

    /// How many of the records to append next a producer waits for.
    #[must_use]
    pub fn queued_publishes(&self) -> usize {
        self.durability.queue.publishes()
    }

    /// Bytes that are sequenced and not durable yet, as the log will hold them.
    #[must_use]
    pub fn unsynced_bytes(&self) -> u64 {
        self.durability.queue.unsynced_bytes()
    }

    /// Notes that everything up to `sequence` is durable. The writer thread calls it after each sync.
    pub fn set_durable(&mut self, sequence: Sequence) {
        self.durability.advance(sequence);
    }

    /// Notes how many bytes the log has reserved behind what was appended. The writer thread calls it.
    pub fn set_room(&mut self, reserved_bytes: u64) {
        self.durability.queue.set_room(reserved_bytes);
    }

    /// Whether a transaction of `bytes` may be sequenced now. Batches that workers run have their room set
    /// aside, so that a commit never fails for want of it; calls of sinks, which may last, wait for theirs
    /// when they end.
    ///
    /// # Errors
    /// Bounds that are reached; they heal by themselves.
    pub fn check_ready(&self, bytes: usize) -> Result<(), Unready> {
        if self.durability.queue.unsynced_bytes() >= self.options.max_unsynced_bytes as u64 {
            return Err(Unready::Unsynced);
        }
        if self.tables.memory_bytes() >= self.options.max_overlay_bytes {
            return Err(Unready::Unflushed);
        }
        let batch_bytes = record_bytes(self.options.max_transaction_bytes + SLACK_BYTES);
        let needed = record_bytes(bytes + SLACK_BYTES) + self.schedule.running_batches() as u64 * batch_bytes;
        if self.durability.queue.room_bytes() < needed { Err(Unready::NoSpace) } else { Ok(()) }
    }

    /// Gives the transaction its place: applies it, routes its events, queues its bytes.
    ///
    /// `body` is the encoding of `sections`. The caller has checked that there is room.
    fn sequence(
        &mut self,
        floors: Vec<Floor>,
        sections: Vec<Section>,
        body: Vec<u8>,
        now: Timestamp,
    ) -> Result<Sequence, TablesError> {
        let progress = self.tables.progress();
        let (sequence, first_offset) = (progress.sequence.next(), progress.next_offset);
        let head = Transaction::encode_head(&floors);
        let is_publish = matches!(sections.as_slice(), [Section::Published(_)]);
        let transaction = Transaction { floors, sections };
        let count = transaction.event_count();
        let events = self.tables.apply(Position { sequence, first_offset }, transaction)?;
        self.last_at = self.last_at.max(now);
        let record = QueuedRecord { sequence, first_offset, count, at: self.last_at, head, body };
        self.durability.push(record, is_publish);
        for (event, index) in events.into_iter().zip(0..) {
            self.route(Sequenced {
                offset: first_offset.plus(index),
                at: self.last_at,
                event: Arc::new(event),
            });
        }
        Ok(sequence)
    }

    /// Publishes something that the runtime says.
    fn publish_own(&mut self, event: Event, now: Timestamp) -> Result<(), TablesError> {
        self.sequence_one(Section::Published(Published { events: vec![event] }), now).map(|_| ())
    }

    fn sequence_one(&mut self, section: Section, now: Timestamp) -> Result<Sequence, TablesError> {
        self.sequence_all(vec![section], now)
    }

    fn sequence_all(&mut self, sections: Vec<Section>, now: Timestamp) -> Result<Sequence, TablesError> {
        let body = Transaction::encode_body(&sections);
        self.sequence(Vec::new(), sections, body, now)
    }

    /// Offers a new event to every consumer that keeps up and wants it.
    fn route(&mut self, event: Sequenced) {
        for id in self.candidates(&event.event) {
            self.offer(id, &event);
        }
        self.durability.note(event);
    }

    /// The attached consumers with a pattern that matches the event's type, each once. Filters are not looked
    /// at.
    fn candidates(&self, event: &Event) -> Vec<ConsumerId> {
        let mut candidates: Vec<ConsumerId> = self.routes.candidates(&event.event_type).collect();
        // Several patterns of one consumer may match; it gets the event once.
        candidates.sort_unstable();
        candidates.dedup();
        candidates
    }

    /// How many attached consumers want the event.
    fn wanted_by(&self, event: &Event) -> usize {
        let wants = |id: &ConsumerId| {
            let spec = self.consumers.get(*id).and_then(|consumer| consumer.spec.as_ref());
            spec.is_some_and(|spec| spec.wants(event))
        };
        let mut candidates = self.routes.candidates(&event.event_type);
        match (candidates.next(), candidates.next()) {
            (None, _) => 0,
            // Most events concern one consumer, which needs no list.
            (Some(only), None) => usize::from(wants(&only)),
            _ => self.candidates(event).iter().filter(|id| wants(id)).count(),
        }
    }

    fn offer(&mut self, id: ConsumerId, event: &Sequenced) {
        let wants = |consumer: &Consumer| {
            consumer.reading == Reading::Following
                && consumer.spec.as_ref().is_some_and(|spec| spec.wants(&event.event))
        };
        let Some(consumer) = self.consumers.change_if(id, wants) else { return };
        if consumer.has_window(&self.options) {
            consumer.push(event.clone());
        } else {
            // It cannot keep up: from here on it reads the log at its own pace.
            consumer.reading = Reading::Lagging { next: event.offset, requested: false };
            self.lagging.insert(id);
        }
    }
}
