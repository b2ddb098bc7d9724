//! Skipping: an operator lets a damaged consumer go on without what it cannot read, in one audited
//! transaction.

use camshaft_event::transaction::{ConsumerChanged, DeadChange, Floor, HeldChange, Intervention, Section};
use camshaft_event::{CommandChange, CommandOutcome, ConsumerId, Offset, Role, Timestamp, Transaction};
use camshaft_tables::store::Store;
use camshaft_tables::{TablePart, TablesError};

use super::lifecycle::CHANGE_BYTES;
use super::{ConsumerError, Sequencer};
use crate::consumer::Reading;
use crate::damage::{Damage, DamagedPart};
use crate::system_event::SystemEvent;

/// What a consumer has gone on without.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// The events that it does not handle: the first offset, and the first one behind them.
    pub events: Option<(Offset, Offset)>,
    /// Held events that are dropped.
    pub held: Vec<Offset>,
    /// Dead letters that are dropped.
    pub dead: Vec<Offset>,
    /// Timers that are dropped.
    pub timers: Vec<String>,
}

impl<S: Store> Sequencer<S> {
    /// Lets a damaged consumer go on without what it cannot read; with `to`, from that offset on. Durable
    /// with what is sequenced by then.
    ///
    /// # Errors
    /// An unknown consumer, one that is not damaged or whose damage only a reset mends, `to` where no event
    /// is damaged, a bound that is reached, or tables that cannot be read.
    pub fn skip(&mut self, name: &str, to: Option<Offset>, now: Timestamp) -> Result<Skipped, ConsumerError> {
        self.step(now, |sequencer| sequencer.skip_damaged(name, to, now))
    }

    fn skip_damaged(
        &mut self,
        name: &str,
        to: Option<Offset>,
        now: Timestamp,
    ) -> Result<Skipped, ConsumerError> {
        self.check_ready(CHANGE_BYTES)?;
        let tail = self.tables.progress().next_offset;
        let consumer = self.consumer_mut(name)?;
        if !consumer.is_damaged() {
            return Err(ConsumerError::NotDamaged { name: name.to_owned() });
        }
        if let Some(damage) = consumer.damage.iter().find(|damage| !damage.can_be_skipped()) {
            let part = damage.part.to_string();
            return Err(ConsumerError::NotSkippable { name: name.to_owned(), part });
        }
        let skipped = Skipped::of(&consumer.damage, to, tail);
        if to.is_some() && skipped.events.is_none() {
            return Err(ConsumerError::NoDamagedEvents { name: name.to_owned() });
        }
        let id = consumer.record.id;
        self.drop_damaged(id, &skipped);
        self.sequence_skip(id, &skipped, now)?;
        self.timers.retry(id);
        Ok(skipped)
    }

    /// Takes out of memory what is skipped.
    fn drop_damaged(&mut self, id: ConsumerId, skipped: &Skipped) {
        skipped.timers.iter().for_each(|name| self.timers.cancel(id, name));
        let Some(consumer) = self.consumers.change(id) else { return };
        consumer.damage.clear();
        skipped.held.iter().for_each(|offset| consumer.held.drop_event(*offset));
        for offset in &skipped.dead {
            self.forget_dead(id, *offset);
        }
        let Some(consumer) = self.consumers.change(id) else { return };
        if let Some((_, until)) = skipped.events {
            match &mut consumer.reading {
                Reading::Lagging { next, .. } | Reading::Stopped { next } => *next = until,
                Reading::Following => {}
            }
        }
    }

    fn sequence_skip(
        &mut self,
        id: ConsumerId,
        skipped: &Skipped,
        now: Timestamp,
    ) -> Result<(), ConsumerError> {
        let tail = self.tables.progress().next_offset;
        let Some(consumer) = self.consumers.get(id) else { return Ok(()) };
        let record = consumer.record.clone();
        let floors = vec![Floor { consumer: id, offset: consumer.floor(tail), state_growth: 0 }];
        let sequence = self.next_sequence();
        let event = SystemEvent::Skipped { consumer: &record.name, skipped, sequence }.at(now);
        let held = skipped.held.iter().map(|offset| HeldChange { offset: *offset, event: None }).collect();
        let dead = skipped.dead.iter().map(|offset| DeadChange { offset: *offset, letter: None }).collect();
        let timers = skipped.timers.clone();
        let commands = self.skipped_commands(&record.role, skipped)?;
        let decided: Vec<Offset> = commands.iter().map(|(offset, _)| *offset).collect();
        let change =
            ConsumerChanged { record, checkpoint: None, clears: false, events: Vec::new(), recent: None };
        let sections = vec![
            Section::Intervention(Box::new(Intervention {
                consumer: id,
                held,
                dead,
                events: vec![event],
                timers,
                commands,
            })),
            Section::Consumer(Box::new(change)),
        ];
        let body = Transaction::encode_body(&sections);
        self.sequence(floors, sections, body, now)?;
        decided.into_iter().for_each(|offset| self.note_decided(id, offset));
        Ok(())
    }

    /// Commands among the skipped held events and dead letters: they are discarded, since they cannot be
    /// read.
    fn skipped_commands(
        &self,
        role: &Role,
        skipped: &Skipped,
    ) -> Result<Vec<(Offset, CommandChange)>, TablesError> {
        let offsets: Vec<Offset> = skipped.held.iter().chain(&skipped.dead).copied().collect();
        if !role.answers() || offsets.is_empty() {
            return Ok(Vec::new());
        }
        let commands = self.tables.undecided_at(&offsets)?.into_iter();
        let discarded = |command| CommandChange::new(command, Some(CommandOutcome::Discarded));
        Ok(commands.map(|(offset, command)| (offset, discarded(command))).collect())
    }
}

impl Skipped {
    fn of(damage: &[Damage], to: Option<Offset>, tail: Offset) -> Self {
        let mut skipped = Self::default();
        for damage in damage {
            match &damage.part {
                DamagedPart::Events { from, until } => {
                    let until = to.unwrap_or(*until).max(from.next()).min(tail);
                    skipped.events = Some((*from, until));
                }
                DamagedPart::Entries(TablePart::Held(offset)) => skipped.held.push(*offset),
                DamagedPart::Entries(TablePart::DeadLetter(offset)) => skipped.dead.push(*offset),
                DamagedPart::Entries(TablePart::Timer(name)) => skipped.timers.push(name.clone()),
                DamagedPart::Entries(TablePart::State | TablePart::Progress) => {}
            }
        }
        skipped
    }
}
