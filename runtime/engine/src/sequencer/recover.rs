//! Recovery: the snapshot, then the log after it, then what the consumers hold in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use camshaft_event::transaction::{ConsumerRecord, ConsumerStatus, DecodeError, RecentEvents, Section};
use camshaft_event::{ConsumerId, Offset, Sequence, Timestamp, Transaction};
use camshaft_log::{LogError, LogReader};
use camshaft_sabotage::{Sabotage, is_on};
use camshaft_tables::store::Store;
use camshaft_tables::{ConsumerProgress, Position, TablePart, Tables, TablesError};
use thiserror::Error;

use super::Sequencer;
use crate::EngineOptions;
use crate::alarm::Alarm;
use crate::clock::SteadyTime;
use crate::consumer::{Consumer, DeadEntry};
use crate::consumers::Consumers;
use crate::damage::Damage;
use crate::durability::Durability;
use crate::held_keys::HeldEntry;
use crate::notice::Notices;
use crate::owners::Owners;
use crate::routes::Routes;
use crate::schedule::Schedule;
use crate::timers::Timers;

/// Bytes of the log read at a time.
const READ_BYTES: u32 = 1 << 20;

type RecentByConsumer = BTreeMap<ConsumerId, RecentEvents>;

/// Why the runtime's past could not be put together.
#[derive(Debug, Error)]
pub enum RecoverError {
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The tables failed.
    #[error(transparent)]
    Tables(#[from] TablesError),
    /// A record is no transaction.
    #[error("record {sequence} of the log: {error}")]
    Decode {
        /// Which record.
        sequence: u64,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// The snapshot knows transactions that the log does not have.
    #[error("the tables end with transaction {tables}, but the log ends with {log}")]
    LogBehind {
        /// The snapshot's sequence.
        tables: Sequence,
        /// The log's last sequence.
        log: u64,
    },
    /// The log was trimmed beyond the snapshot.
    #[error("the tables end with transaction {tables}, but the log begins with {log}")]
    LogGap {
        /// The snapshot's sequence.
        tables: Sequence,
        /// The log's first sequence.
        log: u64,
    },
}

impl<S: Store> Sequencer<S> {
    /// Puts the sequencer together from tables at their snapshot and a log that is wholly durable. `progress`
    /// is told each applied sequence, for people who wait.
    ///
    /// Consumers come back without code: [`Sequencer::attach`] gives it to them.
    ///
    /// # Errors
    /// A log or tables that cannot be read or do not fit together.
    pub fn recover(
        options: Arc<EngineOptions>,
        mut tables: Tables<S>,
        log: &dyn LogReader,
        progress: &mut dyn FnMut(Sequence),
    ) -> Result<Self, RecoverError> {
        let bounds = log.bounds();
        let snapshot = tables.snapshot().sequence;
        if snapshot.0 > bounds.last_sequence {
            return Err(RecoverError::LogBehind { tables: snapshot, log: bounds.last_sequence });
        }
        if snapshot.0 + 1 < bounds.first_sequence {
            return Err(RecoverError::LogGap { tables: snapshot, log: bounds.first_sequence });
        }
        let mut recent = recent_events(&tables)?;
        apply_log(&mut tables, log, &mut recent, &options, progress)?;
        let mut sequencer = Self {
            options,
            durability: Durability::of(tables.progress()),
            last_activation: tables.last_activation()?,
            tables,
            consumers: Consumers::default(),
            routes: Routes::default(),
            schedule: Schedule::default(),
            lagging: BTreeSet::new(),
            last_read: ConsumerId::default(),
            timers: Timers::default(),
            first_offset: Offset(bounds.first_offset),
            redrives: BTreeMap::new(),
            last_at: Timestamp(bounds.last_timestamp_ms),
            steady: SteadyTime::default(),
            alarm: Alarm::default(),
            found_damage: Vec::new(),
            verdicts: Vec::new(),
            notices: Notices::default(),
            owners: Owners::default(),
            decided: Vec::new(),
        };
        for record in sequencer.tables.consumers()? {
            let recent = recent.remove(&record.id);
            sequencer.restore(record, recent)?;
        }
        sequencer.restore_redrives()?;
        Ok(sequencer)
    }

    fn restore(
        &mut self,
        mut record: ConsumerRecord,
        recent: Option<RecentEvents>,
    ) -> Result<(), TablesError> {
        let id = record.id;
        let mut damage = Found::default();
        let begun = self.begin_history(&mut record);
        damage.take_in(begun.map_err(|error| error.of_consumer(id, TablePart::Progress)))?;
        let floor = damage.take_in(self.tables.floor(id))?.unwrap_or_default();
        let mut consumer = Consumer::new(record, floor);
        // What older versions wrote does not say when others begin to count.
        let recent = recent.filter(|recent| recent.activation() == consumer.record.activation);
        if let Some(recent) = recent {
            consumer.watch.recent = recent;
        }
        for (number, partition) in (0..).zip(&mut consumer.partitions) {
            let checkpoint = damage.take_in(self.tables.checkpoint(id, number))?;
            partition.done_before = checkpoint.unwrap_or_default().max(floor);
        }
        damage.take_in(self.tables.each_held(id, &mut |offset, held| {
            let key = consumer.key(&held.event, offset);
            consumer.note_undecided(offset, &held.event);
            consumer.held.insert(&key, offset, HeldEntry::of(&held));
            consumer.recall_failure(offset, held.last_failure());
        }))?;
        damage.take_in(self.tables.each_dead_letter(id, &mut |offset, letter| {
            let key = consumer.key(&letter.event, offset);
            consumer.note_undecided(offset, &letter.event);
            consumer.add_dead(offset, DeadEntry::of(&letter, key, letter.since));
            consumer.recall_failure(offset, letter.history.latest());
        }))?;
        let timers = self.tables.each_timer(id, &mut |name, at| {
            if is_on(Sabotage::DropTimerAtRecovery) && at.0.is_multiple_of(4) {
                return;
            }
            self.timers.set(id, &name, at);
        });
        damage.take_in(timers)?;
        damage.take_in(self.tables.recent_events(id))?;
        for damage in damage.0 {
            self.found_damage.push((consumer.record.name.clone(), damage.clone()));
            consumer.damage.push(damage);
        }
        if consumer.is_damaged() {
            // Said once there is room.
            self.consumers.settle_later(id);
        }
        self.owners.set(&consumer.record);
        self.consumers.put(consumer);
        Ok(())
    }
}

/// Damage that was met while a consumer was put together.
#[derive(Default)]
struct Found(Vec<Damage>);

impl Found {
    /// What was read; none if it is damaged. An error that concerns all stays one.
    fn take_in<T>(&mut self, read: Result<T, TablesError>) -> Result<Option<T>, TablesError> {
        match read {
            Ok(value) => Ok(Some(value)),
            Err(TablesError::OfConsumer(damage)) => {
                self.0.push(Damage { at_start: true, ..Damage::of_entries(*damage) });
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// The events by which consumers are measured, as of the snapshot.
fn recent_events<S: Store>(tables: &Tables<S>) -> Result<RecentByConsumer, TablesError> {
    let mut recent = RecentByConsumer::new();
    for record in tables.consumers()? {
        let known = match tables.recent_events(record.id) {
            // It pauses as damaged below: recovery reads its other entries, too.
            Err(TablesError::OfConsumer(_)) => None,
            known => known?,
        };
        recent.insert(record.id, known.unwrap_or_else(|| RecentEvents::of(record.activation)));
    }
    Ok(recent)
}

/// Counts what a transaction of the log tells, as it was counted when that was made.
fn count(recent: &mut RecentByConsumer, transaction: &Transaction, capacity: u32) {
    for section in &transaction.sections {
        match section {
            Section::Handled(handled) => {
                recent.entry(handled.consumer).or_default().note(handled, capacity);
            }
            Section::Consumer(changed) if changed.record.status == ConsumerStatus::Removed => {
                recent.remove(&changed.record.id);
            }
            Section::Consumer(changed) => {
                recent.extend(changed.recent.iter().map(|recent| (changed.record.id, recent.clone())));
            }
            _ => {}
        }
    }
}

fn apply_log<S: Store>(
    tables: &mut Tables<S>,
    log: &dyn LogReader,
    recent: &mut RecentByConsumer,
    options: &EngineOptions,
    progress: &mut dyn FnMut(Sequence),
) -> Result<(), RecoverError> {
    loop {
        if tables.active_bytes() >= options.max_overlay_bytes / 2 {
            write_snapshot(tables, recent)?;
        }
        let batch = log.read_from(tables.progress().sequence.next().0, READ_BYTES)?;
        if batch.is_empty() {
            return Ok(());
        }
        for record in batch.iter() {
            let transaction = Transaction::decode(record.payload)
                .map_err(|error| RecoverError::Decode { sequence: record.sequence, error })?;
            let (sequence, first_offset) = (Sequence(record.sequence), Offset(record.first_offset));
            count(recent, &transaction, options.probation_events);
            tables.apply(Position { sequence, first_offset }, transaction)?;
            progress(sequence);
        }
    }
}

/// Writes what was applied so far, so that a long log takes no more memory than a running engine. All of it
/// is durable.
fn write_snapshot<S: Store>(tables: &mut Tables<S>, recent: &RecentByConsumer) -> Result<(), TablesError> {
    let mut progress = Vec::new();
    for (consumer, recent) in recent {
        // Where a damaged one stands is not known, and stays as it is.
        let Ok(floor) = tables.floor(*consumer) else { continue };
        let recent = (recent.measure().events > 0).then(|| recent.clone());
        progress.push(ConsumerProgress { consumer: *consumer, floor, recent });
    }
    let Some(frozen) = tables.freeze(progress) else { return Ok(()) };
    frozen.write(&**tables.store())?;
    tables.flushed();
    Ok(())
}
