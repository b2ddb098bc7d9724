//! The operator's acts on dead letters: redrive and discard.

use camshaft_event::transaction::{DeadChange, HeldChange, Intervention, RedriveJob, Section};
use camshaft_event::{
    ConsumerId, DeadLetter, HeldEvent, Offset, RedriveId, Sequence, Timestamp, Transaction,
};
use camshaft_tables::store::Store;
use camshaft_tables::{TablePart, TablesError};
use thiserror::Error;

use super::{Sequencer, Unready, redrive_jobs};
use crate::held_keys::HeldEntry;
use crate::notice::Noticed;
use crate::system_event::{DeadLetterAct, SystemEvent};

/// Why a dead letter could not be acted on.
#[derive(Debug, Error)]
pub enum DeadLetterError {
    /// There is none.
    #[error("there is no dead letter {consumer}:{offset}")]
    NotFound {
        /// The consumer asked for.
        consumer: String,
        /// The offset asked for.
        offset: Offset,
    },
    /// Not now; it heals by itself.
    #[error(transparent)]
    Unready(#[from] Unready),
    /// The tables cannot be read; the runtime must stop.
    #[error(transparent)]
    Tables(#[from] TablesError),
}

impl<S: Store> Sequencer<S> {
    /// Sends a dead letter back to its consumer with a new attempt count and age; its history is kept. What
    /// waits behind it follows, in order. Returns the transaction to wait for.
    ///
    /// # Errors
    /// No such dead letter, a bound that is reached, or tables that cannot be read.
    pub fn redrive(
        &mut self,
        consumer: &str,
        offset: Offset,
        now: Timestamp,
    ) -> Result<Sequence, DeadLetterError> {
        self.step(now, |sequencer| {
            let sent = sequencer.send_back(consumer, offset, None, now);
            let sent = sequencer.with_damage_noted(sent)?;
            sequencer.notice_act(Noticed::Redriven, consumer, offset);
            Ok(sent)
        })
    }

    /// The same result. A dead letter that cannot be read pauses its consumer, so that it can be skipped.
    fn with_damage_noted<T>(&mut self, acted: Result<T, DeadLetterError>) -> Result<T, DeadLetterError> {
        match acted {
            Err(DeadLetterError::Tables(error)) => Ok(self.noting_damage(Err(error))?),
            acted => acted,
        }
    }

    /// Redrives a dead letter by hand, or for a job, whose value from then on stands in the same transaction.
    pub(super) fn send_back(
        &mut self,
        name: &str,
        offset: Offset,
        job: Option<&RedriveJob>,
        now: Timestamp,
    ) -> Result<Sequence, DeadLetterError> {
        let (id, letter) = self.dead_letter(name, offset)?;
        let redriven_by = job.map(|job| job.id);
        let held = HeldEvent {
            event: letter.event,
            attempts: 0,
            first_attempt: None,
            due: now,
            redrives: letter.redrives + 1,
            history: letter.history,
            redriven_by,
            sequenced_at: letter.sequenced_at,
            suspended: None,
            uncounted: 0,
            held_since: Some(now),
        };
        let entry = HeldEntry { due: self.steady.now(now), ..HeldEntry::of(&held) };
        let act = Act { act: DeadLetterAct::Redriven, redrives: held.redrives, job: redriven_by };
        let change = HeldChange { offset, event: Some(Box::new(held)) };
        let section = Intervention { held: vec![change], ..self.taken_away((id, name), offset, &act, now) };
        let mut sections = vec![Section::Intervention(Box::new(section))];
        sections.extend(job.map(|job| redrive_jobs::progress(job.clone())));
        let sequence = self.sequence_if_ready::<DeadLetterError>(sections, now)?;
        if let Some(dead) = self.forget_dead(id, offset)
            && let Some(consumer) = self.consumers.change(id)
        {
            consumer.held.insert(&dead.key, offset, entry);
        }
        Ok(sequence)
    }

    /// Drops a dead letter for good. What waits behind it goes on, in order. Returns the transaction to wait
    /// for.
    ///
    /// An event is never edited. To correct wrong data, publish a corrected event with an id of its own, the
    /// dead event's key and its id as `causationid`, then discard the dead letter. Both may be repeated after
    /// a failure.
    ///
    /// # Errors
    /// No such dead letter, a bound that is reached, or tables that cannot be read.
    pub fn discard(
        &mut self,
        consumer: &str,
        offset: Offset,
        now: Timestamp,
    ) -> Result<Sequence, DeadLetterError> {
        self.step(now, |sequencer| {
            let found = sequencer.dead_letter(consumer, offset);
            let (id, letter) = sequencer.with_damage_noted(found)?;
            let act = Act { act: DeadLetterAct::Discarded, redrives: letter.redrives, job: None };
            let section = sequencer.taken_away((id, consumer), offset, &act, now);
            let role = sequencer.consumers.get(id).map(|consumer| consumer.record.role.clone());
            let commands = Self::discarded(&role.unwrap_or_default(), offset, &letter);
            let is_command = !commands.is_empty();
            let section = Section::Intervention(Box::new(Intervention { commands, ..section }));
            let sequence = sequencer.sequence_if_ready::<DeadLetterError>(vec![section], now)?;
            let gone = sequencer.forget_dead(id, offset);
            if is_command {
                sequencer.note_decided(id, offset);
            }
            let event = gone.as_ref().map(|gone| (offset, &gone.key));
            sequencer.notices.add(Noticed::Discarded, consumer, event, "by an operator");
            Ok(sequence)
        })
    }

    /// Notices what an operator did with an event that is held now.
    fn notice_act(&mut self, what: Noticed, name: &str, offset: Offset) {
        let place = self.consumers.named(name).and_then(|consumer| consumer.held.place(offset));
        let event = place.map(|place| (offset, place.key));
        self.notices.add(what, name, event, "by an operator");
    }

    /// The offsets that wait behind the dead letter at `offset`, in order.
    #[must_use]
    pub fn waiting_behind(&self, consumer: &str, offset: Offset) -> Vec<Offset> {
        let consumer = self.consumers.ever_named(consumer);
        let entry = consumer.and_then(|consumer| Some((consumer, consumer.dead.get(offset)?)));
        match entry {
            Some((consumer, entry)) if entry.parks => {
                consumer.held.waiting_behind(&entry.key, offset).collect()
            }
            _ => Vec::new(),
        }
    }

    fn dead_letter(&self, name: &str, offset: Offset) -> Result<(ConsumerId, DeadLetter), DeadLetterError> {
        let missing = || DeadLetterError::NotFound { consumer: name.to_owned(), offset };
        let consumer = self.known(name).ok_or_else(missing)?;
        let id = consumer.record.id;
        match self.tables.dead_letter(id, offset)? {
            Some(letter) => Ok((id, letter)),
            None if consumer.dead.get(offset).is_some() => {
                Err(TablesError::missing(id, TablePart::DeadLetter(offset)).into())
            }
            None => Err(missing()),
        }
    }

    /// The section that takes a dead letter away, with what came of it and the event that tells of it.
    fn taken_away(
        &self,
        (id, name): (ConsumerId, &str),
        offset: Offset,
        act: &Act,
        now: Timestamp,
    ) -> Intervention {
        let generation =
            self.consumers.get(id).map(|consumer| consumer.record.generation).unwrap_or_default();
        let Act { act, redrives, job } = *act;
        let told = SystemEvent::DeadLetterGone { consumer: name, generation, offset, act, redrives, job };
        let dead = vec![DeadChange { offset, letter: None }];
        Intervention { consumer: id, dead, events: vec![told.at(now)], ..Intervention::default() }
    }

    /// Sequences what was not set aside room for, if there is some.
    pub(super) fn sequence_if_ready<E: From<Unready> + From<TablesError>>(
        &mut self,
        sections: Vec<Section>,
        now: Timestamp,
    ) -> Result<Sequence, E> {
        let body = Transaction::encode_body(&sections);
        self.check_ready(body.len())?;
        Ok(self.sequence(Vec::new(), sections, body, now)?)
    }
}

/// What is done with a dead letter.
struct Act {
    act: DeadLetterAct,
    /// How often the event has been redriven then.
    redrives: u32,
    /// The job that does it; none by hand.
    job: Option<RedriveId>,
}
