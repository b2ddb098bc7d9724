//! Acts of senders of commands, and their answers: the state of a command, and when it is decided.

use std::collections::BTreeMap;

use camshaft_engine::{ConsumerError, PublishRefusal, Receipts};
use camshaft_event::transaction::{ConsumerStatus, Outcome, Section};
use camshaft_event::{Event, Offset, Timestamp, Transaction, reserved};

use super::Run;
use super::witness::Statement;
use crate::accounts::{self, ACCOUNTS, MOVED};
use crate::consumers::{self, BANK, COMMANDS};
use crate::faults::Fault;
use crate::model::{Model, Standing};
use crate::sharing::SUBJECTS;

/// Commands that senders know; each is sent again and again.
const IDS: u64 = 40;

/// A command type without an owner.
const UNOWNED: &str = "thing.forget";

/// Milliseconds of a day.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// What senders of commands know of them.
#[derive(Default)]
pub(super) struct Senders {
    /// Where the log began when each command was sent.
    begun: BTreeMap<Offset, Offset>,
    /// Commands that were decided, or became dead letters, since the engine was asked for these.
    ended: Vec<Offset>,
}

impl Senders {
    /// The process ended, and has lost the transactions from `tail` on.
    pub(super) fn restart(&mut self, tail: Offset) {
        self.ended.clear();
        self.begun.split_off(&tail);
    }

    /// A transaction was made.
    pub(super) fn note_ended(&mut self, transaction: &Transaction) {
        for section in &transaction.sections {
            if let Section::Handled(handled) = section
                && let Some(change) = &handled.command
                && (change.outcome.is_some() || handled.outcome == Outcome::DeadLettered)
            {
                self.ended.push(handled.cause);
            }
        }
    }
}

impl Run {
    /// Sends commands, most of them again, or publishes an event that only has the type of a command.
    pub(super) fn send(&mut self) {
        if self.random.below(10) == 0 {
            return self.publish_command_type();
        }
        let mut commands: Vec<Event> = (0..=self.random.below(2)).map(|_| self.some_command()).collect();
        if self.random.below(12) == 0 {
            commands.extend(commands.first().cloned());
        }
        self.deliver(commands);
    }

    /// Sends commands in one request.
    pub(super) fn deliver(&mut self, mut commands: Vec<Event>) {
        let ids: Vec<String> = commands.iter().map(|command| command.id.clone()).collect();
        let sent = self.process.send(commands.clone());
        self.tell(|| format!("send {ids:?} → {sent:?}"));
        match sent {
            Ok(receipts) => self.acknowledged(receipts, commands),
            Err(PublishRefusal::Conflict { index, offset }) => {
                self.note(Fault::CommandConflict);
                let at = self.process.sequencer().sequenced().sequence;
                let first_offset = self.process.sequencer().first_offset();
                let command = Box::new(commands.swap_remove(index));
                self.witness.expect(at, Statement::Command { at, offset, first_offset, command });
            }
            Err(PublishRefusal::ConflictWithin { .. }) => self.note(Fault::CommandConflict),
            Err(PublishRefusal::NoOwner { command_type, .. }) => {
                self.note(Fault::CommandUnowned);
                assert!(!self.is_owned(&command_type, true), "{command_type} has an owner that runs");
            }
            Err(PublishRefusal::Unready(_)) => self.note(Fault::Unready),
            Err(refusal) => panic!("a sound command is refused: {refusal}"),
        }
        let durable = self.durable();
        self.witness.hear(durable);
    }

    fn acknowledged(&mut self, receipts: Receipts, commands: Vec<Event>) {
        let (at, first_offset) = (receipts.durable_at, self.process.sequencer().first_offset());
        for (receipt, mut command) in receipts.receipts.into_iter().zip(commands) {
            let offset = receipt.offset;
            command.set_extension(reserved::COMMAND, reserved::IS_COMMAND);
            self.witness.expect(at, Statement::Event { offset, hash: command.hash() });
            let command = Box::new(command);
            self.witness.expect(at, Statement::Command { at, offset, first_offset, command });
            if receipt.duplicate {
                let standing = self.standing_of(offset);
                let is_late = offset < first_offset;
                let is_decided = matches!(standing, Standing::Decided(_));
                self.note(Fault::CommandRepeated);
                self.note_if(Fault::CommandAnsweredLate, is_late && is_decided);
                self.note_if(Fault::CommandKnownLate, is_late && !is_decided);
            } else {
                self.senders.begun.insert(offset, first_offset);
            }
        }
    }

    /// Publishes an event that has the type of a command: only while the type has no owner.
    fn publish_command_type(&mut self) {
        let command_type = self.some_type();
        let id = format!("u{}", self.random.below(IDS));
        let event =
            Event { id, source: "/test".to_owned(), event_type: command_type.to_owned(), ..Event::default() };
        if self.random.below(4) == 0 {
            return self.publish_fact_type(event);
        }
        let published = self.process.publish(vec![event]);
        self.tell(|| format!("publish an event {command_type} → {published:?}"));
        let is_owned = self.is_owned(command_type, false);
        match published {
            Ok(receipts) => {
                let is_new = receipts.receipts.iter().any(|receipt| !receipt.duplicate);
                assert!(!is_new || !is_owned, "an event {command_type} is published, which is a command");
            }
            Err(PublishRefusal::CommandType { .. }) => {
                assert!(is_owned, "{command_type} has no owner");
                self.note(Fault::CommandAsEvent);
            }
            // Another type has the same id.
            Err(PublishRefusal::Conflict { .. }) => {}
            Err(PublishRefusal::Unready(_)) => self.note(Fault::Unready),
            Err(refusal) => panic!("a sound event is refused: {refusal}"),
        }
    }

    /// Publishes an event that has the type of a fact: only its aggregate records such events.
    fn publish_fact_type(&mut self, event: Event) {
        let published = self.process.publish(vec![Event { event_type: MOVED.to_owned(), ..event }]);
        let is_recorded = self.process.sequencer().recorder(MOVED) == Some(BANK);
        assert!(is_recorded || published.is_ok(), "{MOVED} has no aggregate");
        match published {
            Err(PublishRefusal::FactType { .. }) => self.note(Fault::FactForged),
            Err(PublishRefusal::Conflict { .. } | PublishRefusal::Unready(_)) => {}
            other => assert!(!is_recorded, "a fact of a producer: {other:?}"),
        }
    }

    /// Nearly always the one command of its id, now and then another one, or one without an owner.
    fn some_command(&mut self) -> Event {
        let id = self.random.below(IDS);
        if self.random.below(24) == 0 {
            return command(format!("n{id}"), UNOWNED, b"x");
        }
        let is_other = self.random.below(24) == 0;
        let command_type = COMMANDS[usize::from(id.is_multiple_of(3))];
        let mut command = command(format!("c{id}"), command_type, if is_other { b"y" } else { b"x" });
        let subject = usize::try_from(id).ok().and_then(|id| SUBJECTS.get(id % (SUBJECTS.len() + 1)));
        command.subject = subject.map(|subject| (*subject).to_owned());
        // Its owner orders by the subject all the same.
        command.partitionkey = id.is_multiple_of(7).then(|| "p".to_owned());
        if id % 5 == 1 {
            // The same command expects other versions now and then, which makes it another command.
            let version = self.random.below(12);
            command.set_extension("expect", format!("{}@{version}", accounts::account(id % ACCOUNTS)));
        }
        if id.is_multiple_of(4) {
            let ms = self.now().0 + self.random.below(1_500);
            command.set_extension("expirytime", time(Timestamp(ms - 300)));
        }
        command
    }

    fn some_type(&mut self) -> &'static str {
        COMMANDS[self.pick(COMMANDS.len())]
    }

    /// Whether a command type has an owner, as the engine says; with `runs` only one that is not detached.
    fn is_owned(&self, command_type: &str, runs: bool) -> bool {
        let state = self.process.sequencer().consumer_state(BANK);
        state.is_some_and(|state| {
            let is_owned = state.record.role.commands().iter().any(|owned| owned == command_type);
            is_owned && (!runs || state.record.status == ConsumerStatus::Attached)
        })
    }

    /// What the engine says of a command.
    fn standing_of(&self, offset: Offset) -> Standing {
        let state = self.process.shared().command_state(offset);
        Standing::of(state.expect("the tables can be read"))
    }

    /// A sender asks for the state of a command, and for the commands that were decided.
    pub(super) fn ask_for_commands(&mut self) {
        let sent: Vec<Offset> = self.senders.begun.keys().copied().collect();
        let at = self.pick(sent.len().max(1));
        if let Some(&offset) = sent.get(at) {
            let (at, first_offset) = {
                let sequencer = self.process.sequencer();
                (sequencer.sequenced().sequence, sequencer.first_offset())
            };
            let standing = self.standing_of(offset);
            self.tell(|| format!("ask for the command {offset} → {standing:?}"));
            self.witness.expect(at, Statement::Standing { at, offset, first_offset, standing });
        }
        self.hear_decisions();
    }

    /// The engine names every command that was decided or became a dead letter.
    fn hear_decisions(&mut self) {
        let mut named = self.process.sequencer().take_decided();
        for offset in std::mem::take(&mut self.senders.ended) {
            let at = named.iter().position(|named| *named == offset);
            let at = at.unwrap_or_else(|| panic!("no sender was woken although {offset} is decided or dead"));
            named.swap_remove(at);
        }
    }

    /// An operator discarded a dead letter, or made one of a held event.
    pub(super) fn note_act_on(&mut self, consumer: &str, offset: Offset) {
        if consumer == BANK {
            self.senders.ended.push(offset);
        }
    }

    /// A model of what the log says.
    pub(super) fn model(&self) -> Model {
        let specs = self.consumers.iter().map(|declared| consumers::with_all_commands(&declared.spec));
        Model::new(&specs.collect::<Vec<_>>(), self.senders.begun.clone())
    }

    /// The owner of commands could not go, or could not drop a type: it has to decide commands, of this type
    /// or before the last one of this type.
    pub(super) fn check_undecided(&mut self, error: &ConsumerError) {
        let ConsumerError::Undecided { name, .. } = error else { panic!("{error}") };
        let first_offset = self.process.sequencer().first_offset();
        let mut model = self.model();
        let unwritten = self.process.unwritten();
        for transaction in self.history.iter().chain(&unwritten) {
            model.apply(transaction, first_offset, None);
        }
        let known = model.consumers.values().find(|known| known.record.name == *name);
        let mut undecided = model.undecided(known.expect("the owner is known"), first_offset);
        assert!(undecided.next().is_some(), "{error}, but it has decided all");
        self.note(Fault::CommandsKept);
    }

    /// What the engine says of commands is what the log says.
    pub(super) fn check_commands(&mut self, model: &Model) {
        let first_offset = self.process.sequencer().first_offset();
        for offset in model.commands.offsets() {
            let (said, expected) = (self.standing_of(offset), model.standing(offset, first_offset));
            assert_eq!(said, expected, "the state of the command {offset}");
        }
    }
}

pub(super) fn command(id: String, command_type: &str, data: &[u8]) -> Event {
    Event {
        id,
        source: "/test".to_owned(),
        event_type: command_type.to_owned(),
        data: data.to_vec(),
        ..Event::default()
    }
}

/// A time as RFC 3339 writes it. No run lasts a month.
fn time(at: Timestamp) -> String {
    let (day, ms) = (at.0 / DAY_MS + 1, at.0 % DAY_MS);
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("1970-01-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z", ms % 1_000)
}
