//! What a log must tell of commands: only their owner handles them, each is decided once, and a command that
//! is sent again is no new one as long as its identity has to be known.

use std::collections::{BTreeMap, BTreeSet};

use camshaft_engine::CommandState;
use camshaft_event::transaction::{ConsumerRecord, ConsumerStatus, Handled, Intervention, Outcome};
use camshaft_event::{CommandOutcome, Event, FailureCause, Offset, Refusal, ScopeVersion, expiry};
use camshaft_tables::Decision;

use super::reads::{AttemptRecord, failure, is_uncalled};
use super::scopes::is_mismatch;
use super::{Known, Model, Place};
use crate::consumers::{BANK, WITNESS};

/// What the model knows of commands.
#[derive(Default)]
pub(crate) struct Commands {
    /// Where the log began when each command was sent.
    begun: BTreeMap<Offset, Offset>,
    /// The commands of each source and id, in log order.
    sent: BTreeMap<(String, String), Vec<Offset>>,
    /// All commands with their types.
    types: BTreeMap<Offset, String>,
    pub(crate) decisions: BTreeMap<Offset, Decision>,
    /// Commands that were dead letters and were redriven.
    redriven: BTreeSet<Offset>,
    /// Commands of these that were decided afterwards.
    pub(crate) decided_again: u64,
    /// Whether one was handled by a consumer that does not own it.
    pub(crate) are_seen: bool,
}

/// The state of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Its owner has not handled it, or its decision has expired.
    Unknown,
    Held,
    Dead,
    Decided(Decision),
}

impl Standing {
    /// What the engine says.
    pub(crate) fn of(state: Option<CommandState>) -> Self {
        match state {
            None => Self::Unknown,
            Some(CommandState::Decided(decision)) => Self::Decided(decision),
            Some(CommandState::Held { consumer, .. }) => {
                assert_eq!(consumer, BANK, "the owner of a command that is held");
                Self::Held
            }
            Some(CommandState::Dead { consumer }) => {
                assert_eq!(consumer, BANK, "the owner of a command that is dead");
                Self::Dead
            }
        }
    }
}

impl Commands {
    pub(super) fn new(begun: BTreeMap<Offset, Offset>) -> Self {
        Self { begun, ..Self::default() }
    }

    /// The offsets of all commands.
    pub(crate) fn offsets(&self) -> impl Iterator<Item = Offset> {
        self.types.keys().copied()
    }

    /// The last command with the source and id of `event`.
    pub(crate) fn last(&self, event: &Event) -> Option<Offset> {
        self.sent.get(&(event.source.clone(), event.id.clone()))?.last().copied()
    }

    fn decide(
        &mut self,
        offset: Offset,
        (outcome, scopes): (CommandOutcome, Vec<ScopeVersion>),
        first_fact: Offset,
        facts: usize,
    ) {
        let facts = u32::try_from(facts).expect("a decision publishes few events");
        let before = self.decisions.insert(offset, Decision { outcome, first_fact, facts, scopes });
        assert_eq!(before, None, "the command {offset} is decided twice");
    }
}

impl Model {
    /// The state of a command while the log begins at `first_offset`.
    pub(crate) fn standing(&self, offset: Offset, first_offset: Offset) -> Standing {
        let decision = self.commands.decisions.get(&offset);
        if let Some(decision) = decision.filter(|decision| decision.first_fact >= first_offset) {
            return Standing::Decided(decision.clone());
        }
        let bank = self.consumers.values().find(|known| known.record.name == BANK);
        match bank.and_then(|known| known.places.get(&offset)) {
            Some(Place::Held { .. }) => Standing::Held,
            Some(Place::Dead { .. }) => Standing::Dead,
            _ => Standing::Unknown,
        }
    }

    /// A command was sent, or an event published. `first_offset` is where the log begins now.
    pub(super) fn sent(&mut self, event: &Event, offset: Offset, first_offset: Offset) {
        let owns = |known: &&Known| known.record.role.commands().contains(&event.event_type);
        let owner = self.consumers.values().filter(|known| !known.is_removed()).find(owns);
        if !is_marked(event) {
            let is_producers = event.source == "/test";
            assert!(!is_producers || owner.is_none(), "{offset} is published with the type of a command");
            return;
        }
        let is_attached = owner.is_some_and(|known| known.record.status == ConsumerStatus::Attached);
        assert!(is_attached, "the command {offset} has no owner");
        if let Some(before) = self.commands.last(event) {
            let begun = self.commands.begun.get(&offset).copied().unwrap_or(first_offset);
            let until = match self.standing(before, Offset(0)) {
                Standing::Unknown => before,
                Standing::Decided(decision) => decision.first_fact,
                undecided => panic!("{offset} is the command {before} again, which is {undecided:?}"),
            };
            assert!(until < begun, "{offset} is the command {before} again, which is known until {until}");
        }
        self.commands.sent.entry((event.source.clone(), event.id.clone())).or_default().push(offset);
        self.commands.types.insert(offset, event.event_type.clone());
    }

    /// A consumer has handled an event, which is a command or not.
    pub(super) fn command_handled(&mut self, handled: &Handled, attempts: Option<&[AttemptRecord]>) {
        let cause = handled.cause;
        let event = self.events.get(cause.0 as usize).expect("what is handled lies in the log");
        let record =
            &self.consumers.get(&handled.consumer).expect("the consumer that handles is known").record;
        let (is_marked, is_owner) = (is_marked(event), record.role.answers());
        let may_see = is_owner == is_marked || (&*record.name, &*event.event_type) == WITNESS;
        assert!(may_see, "{} handles {cause}; whether that is a command: {is_marked}", record.name);
        self.commands.are_seen |= is_marked && !is_owner;
        let Some(change) = handled.command.as_ref().filter(|_| is_owner) else {
            assert!(!is_owner && handled.command.is_none(), "only the owner decides the command {cause}");
            return;
        };
        assert_eq!(change.command(), event.hash(), "the identity of the command {cause}");
        check_expiry(handled, event);
        let is_done = handled.outcome == Outcome::Done;
        assert_eq!(change.outcome.is_some(), is_done, "whether the command {cause} is decided");
        let Some(outcome) = change.outcome.clone() else { return };
        if let Some(attempts) = attempts {
            let attempt = attempts.iter().find(|attempt| attempt.offset == cause);
            assert_eq!(attempt.is_none(), is_uncalled(handled), "whether a handler decides {cause}");
            let accepted = || CommandOutcome::Accepted { reply: Vec::new().into() };
            let answer = attempt.map(|attempt| attempt.answer.clone().unwrap_or_else(accepted));
            assert!(answer.is_none_or(|answer| answer == outcome), "the answer to {cause} is another one");
        }
        if is_refusal(handled) {
            let is_empty = handled.state.is_empty() && handled.events.is_empty() && handled.timers.is_empty();
            assert!(is_empty, "the command {cause} is refused, but has effects");
        }
        let first_fact = Offset(self.events.len() as u64);
        self.commands.decided_again += u64::from(self.commands.redriven.contains(&cause));
        self.commands.decide(cause, (outcome, change.scope_versions()), first_fact, handled.events.len());
    }

    /// An operator acted on commands, or on other events.
    pub(super) fn commands_intervened(&mut self, intervention: &Intervention) {
        let known = self.consumers.get(&intervention.consumer).expect("whose events they are is known");
        let is_owner = known.record.role.answers();
        let discards = intervention.held.is_empty() && is_owner;
        let discarded: Vec<Offset> =
            intervention.dead.iter().filter(|_| discards).map(|change| change.offset).collect();
        let said = intervention.commands.iter().map(|(offset, _)| *offset);
        assert!(said.eq(discarded), "the commands that are discarded");
        for (offset, change) in &intervention.commands {
            let event = self.events.get(offset.0 as usize).expect("a command is in the log");
            assert_eq!(change.command(), event.hash(), "the identity of the command {offset}");
            assert_eq!(change.outcome, Some(CommandOutcome::Discarded));
            let discarded = (CommandOutcome::Discarded, Vec::new());
            self.commands.decide(*offset, discarded, Offset(self.events.len() as u64), 0);
        }
        if is_owner {
            self.commands.redriven.extend(intervention.held.iter().map(|change| change.offset));
        }
    }

    /// A consumer changes from `before` to `after`: it gives up no command that it has to decide.
    pub(super) fn check_given_up(&self, known: &Known, after: &ConsumerRecord, first_offset: Offset) {
        let before = &known.record;
        let begins_anew = before.generation != after.generation;
        for (offset, command_type) in self.undecided(known, first_offset) {
            let keeps = !begins_anew && after.role.commands().contains(command_type);
            let owned = before.role.commands().contains(command_type);
            assert!(keeps || !owned, "{} gives up the command {offset}, which is undecided", after.name);
        }
    }

    /// The commands that a consumer has to decide, with their types, while the log begins at `first_offset`.
    pub(crate) fn undecided(
        &self,
        known: &Known,
        first_offset: Offset,
    ) -> impl Iterator<Item = (Offset, &String)> {
        let is_owner = known.record.role.answers();
        let commands = self.commands.types.iter().map(|(offset, command_type)| (*offset, command_type));
        commands.filter(move |(offset, _)| {
            let is_open = match known.places.get(offset) {
                Some(Place::Held { .. } | Place::Dead { .. }) => true,
                Some(_) => false,
                None => *offset >= known.start.max(first_offset),
            };
            is_owner && is_open && !self.commands.decisions.contains_key(offset)
        })
    }
}

/// A command is refused without a call exactly if its time is over.
fn check_expiry(handled: &Handled, event: &Event) {
    let is_called = !matches!(handled.outcome, Outcome::Held | Outcome::Released)
        && failure(handled) != Some(FailureCause::ProcessEnd);
    let until = expiry(event).expect("sending validates it");
    let is_over = until.is_some_and(|until| until < handled.at);
    assert!(!is_called || is_over == is_expired(handled), "{} expires at {until:?}", handled.cause);
}

/// Whether the runtime marked an event as a command.
fn is_marked(event: &Event) -> bool {
    event.extension("camshaftcommand") == Some("true")
}

/// Whether a section refuses a command.
pub(crate) fn is_refusal(handled: &Handled) -> bool {
    refusal(handled).is_some() || is_mismatch(handled)
}

/// Whether a section refuses a command since its time was over.
pub(crate) fn is_expired(handled: &Handled) -> bool {
    refusal(handled).is_some_and(|refusal| refusal.code == "expired")
}

fn refusal(handled: &Handled) -> Option<&Refusal> {
    match handled.command.as_ref()?.outcome.as_ref()? {
        CommandOutcome::Refused(refusal) => Some(refusal),
        CommandOutcome::Accepted { .. } | CommandOutcome::Discarded | CommandOutcome::Mismatch { .. } => None,
    }
}
