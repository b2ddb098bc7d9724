//! Commands in a batch: the answer of an attempt, commands that wait, and commands that expired.

use camshaft_event::transaction::Outcome;
use camshaft_event::{
    Answer, CommandChange, CommandOutcome, HeldEvent, Refusal, Timestamp, expectations, expiry,
};
use camshaft_sabotage::{Sabotage, is_on};

use super::{Run, WorkerContext};
use crate::attempt::{Attempt, Effects};
use crate::batch::Item;
use crate::clock::rfc3339;

impl Run {
    /// The answer that an attempt gave, if its consumer decides commands. A refusal leaves no effects.
    pub(super) fn answered(&mut self, item: &Item, effects: &mut Effects) -> Option<Box<CommandChange>> {
        if !self.batch.spec.role.answers() {
            return None;
        }
        let is_refused = matches!(
            effects.answer.as_deref(),
            Some(CommandOutcome::Refused(_) | CommandOutcome::Mismatch { .. })
        );
        if is_refused && !is_on(Sabotage::KeepRefusedEffects) {
            effects.answer_only();
            self.timers.forget();
        }
        let accepted = || CommandOutcome::Accepted { reply: Vec::new().into() };
        let outcome = effects.answer.take().map_or_else(accepted, |answer| *answer);
        let mut change = CommandChange::new(item.event.hash(), Some(outcome));
        change.scopes = effects.scopes.take().map(|scopes| scopes.facts(is_refused)).unwrap_or_default();
        Some(Box::new(change))
    }

    /// That a command waits outside the log from now on, if its consumer has to decide it.
    pub(super) fn waiting_command(&self, item: &Item, outcome: Outcome) -> Option<Box<CommandChange>> {
        let waits = match outcome {
            Outcome::Held | Outcome::Retrying | Outcome::Suspended | Outcome::DeadLettered => true,
            Outcome::Done | Outcome::Released => false,
        };
        let is_decided_here = waits && self.batch.spec.role.answers();
        is_decided_here.then(|| Box::new(CommandChange::new(item.event.hash(), None)))
    }

    /// The same attempt, if its command expects no other versions of its scopes. Otherwise the command is
    /// decided without calling its consumer, or ends with what keeps the versions from being read.
    pub(super) fn expected(
        &mut self,
        mut attempt: Attempt,
        context: &mut WorkerContext<'_>,
    ) -> Option<Attempt> {
        if !self.batch.spec.role.answers() || is_on(Sabotage::IgnoreExpectation) {
            return Some(attempt);
        }
        // Sending validates it.
        for expected in expectations(attempt.event()).unwrap_or_default() {
            match attempt.scope_version(&expected.scope) {
                Ok(version) if version == expected.version => {}
                Ok(actual) => {
                    attempt.effects.answer = Some(Box::new(CommandOutcome::Mismatch { expected, actual }));
                    self.record(Answer::Done, attempt, context.random);
                    return None;
                }
                Err(_) => {
                    self.record(Answer::Done, attempt, context.random);
                    return None;
                }
            }
        }
        Some(attempt)
    }

    /// Refuses a command whose time is over, without calling its consumer. Whether it did.
    pub(super) fn refuses_expired(
        &mut self,
        item: &Item,
        now_us: u64,
        context: &mut WorkerContext<'_>,
    ) -> bool {
        if !self.batch.spec.role.answers() {
            return false;
        }
        // Sending validates it.
        let until = expiry(&item.event).ok().flatten();
        let Some(until) = until.filter(|until| *until < context.clock.now()) else { return false };
        let number = item.held().map_or(1, HeldEvent::next_attempt);
        let mut attempt = self.attempt(item, number, now_us, context);
        attempt.effects.answer = Some(Box::new(CommandOutcome::Refused(expired(until))));
        self.record(Answer::Done, attempt, context.random);
        true
    }
}

fn expired(until: Timestamp) -> Refusal {
    Refusal {
        code: Refusal::EXPIRED.to_owned(),
        message: format!("the command expired at {}, before it was decided", rfc3339(until)),
        data: Vec::new().into(),
    }
}
