//! What delivery promises while it runs and the log does not show: who is given work, when, and how much of
//! it.
//!
//! The run tells it all that is done to consumers, and which batches are taken. Of the engine it knows what
//! the engine says of each consumer's work, whether some is ready and some is in hand; the rules it has from
//! the policies.

mod attempts;
mod calls;

use std::collections::BTreeMap;

use camshaft_engine::{Batch, ConsumerState, Pause, ProbationState, WaitsFor};
use camshaft_event::transaction::{Outcome, Section};
use camshaft_event::{FailureCause, Offset, Policy, Transaction};

use crate::faults::{Fault, Faults};
use crate::model::{Model, fails, failure, is_uncalled};
use attempts::Attempts;
use calls::Calls;

/// All consumers as delivery must treat them.
#[derive(Default)]
pub(crate) struct Delivery {
    consumers: BTreeMap<String, Watched>,
}

#[derive(Default)]
struct Watched {
    policy: Policy,
    /// By an operator.
    is_paused: bool,
    /// Grows when its code comes, goes or is replaced: what began before says nothing of what comes after.
    epoch: u64,
    attempts: Attempts,
    calls: Calls,
    /// Since when events wait for their next attempts, in milliseconds that had passed, and for how many.
    retries: BTreeMap<Offset, (u64, u64)>,
    /// As it was last seen.
    is_throttled: bool,
    /// Batches of others that were taken since it has been ready and has had nothing in hand.
    passed_over: usize,
}

/// A batch that a worker has in hand.
pub(crate) struct Ticket {
    consumer: String,
    epoch: u64,
    /// Which opening of the circuit its outcome may end.
    trial: Option<u64>,
    /// Where its calls are counted.
    calls: calls::Place,
    /// Whether what fails in it only counts for the measure of its version.
    is_uncounted: bool,
}

impl Ticket {
    /// Whether the batch is one of this consumer.
    pub(crate) fn is_of(&self, consumer: &str) -> bool {
        self.consumer == consumer
    }
}

/// The moment at which something happens.
pub(crate) struct Moment<'m> {
    /// Milliseconds that have passed, however often the clock was set back.
    pub(crate) passed_ms: u64,
    pub(crate) faults: &'m mut Faults,
}

/// A batch that was taken, and what the engine said of all consumers before and after.
pub(crate) struct Taken<'t> {
    pub(crate) batch: &'t Batch,
    /// Whether no worker is free any more.
    pub(crate) is_last: bool,
    pub(crate) before: &'t [ConsumerState],
    pub(crate) after: &'t [ConsumerState],
}

/// Acts on consumers.
impl Delivery {
    /// It was given code, the same or other.
    pub(crate) fn attached(&mut self, name: &str, policy: &Policy, is_paused: bool) {
        let watched = self.watched(name);
        // Other code lifts what stopped the one before, and nothing else.
        watched.is_paused &= is_paused;
        watched.policy = policy.clone();
        watched.epoch += 1;
        watched.attempts.close();
    }

    pub(crate) fn detached(&mut self, name: &str) {
        self.watched(name).epoch += 1;
    }

    pub(crate) fn paused(&mut self, name: &str) {
        self.watched(name).is_paused = true;
    }

    pub(crate) fn resumed(&mut self, name: &str) {
        let watched = self.watched(name);
        watched.is_paused = false;
        watched.attempts.close();
    }

    /// It begins anew; a pause by hand outlasts that.
    pub(crate) fn reset(&mut self, name: &str) {
        let watched = self.watched(name);
        watched.epoch += 1;
        watched.attempts.close();
        watched.calls.forget();
        watched.retries.clear();
    }

    /// An operator made a held event due: it waits for no time any more.
    pub(crate) fn made_due(&mut self, name: &str, offset: Offset, passed_ms: u64) {
        self.watched(name).retries.insert(offset, (passed_ms, 0));
    }

    pub(crate) fn removed(&mut self, name: &str) {
        self.reset(name);
        self.watched(name).is_paused = false;
    }

    /// The process ended. Only pauses by hand are durable.
    pub(crate) fn restarted(&mut self, model: &Model, faults: &mut Faults) {
        self.consumers.clear();
        for known in model.consumers.values().filter(|known| !known.is_removed()) {
            let is_paused = known.record.paused.is_some();
            self.watched(&known.record.name).is_paused = is_paused;
            faults.note_if(Fault::PauseSurvived, is_paused);
        }
    }

    fn watched(&mut self, name: &str) -> &mut Watched {
        self.consumers.entry(name.to_owned()).or_default()
    }
}

/// What workers do.
impl Delivery {
    /// What the engine says of pauses is so.
    pub(crate) fn check(&mut self, states: &[ConsumerState], faults: &mut Faults) {
        for state in states {
            let name = &state.record.name;
            let watched = self.watched(name);
            let says = |wanted: fn(&Pause) -> bool| state.pauses.iter().any(wanted);
            // A version that has failed stops its consumer as an operator would.
            let by_hand = says(|pause| matches!(pause, Pause::Operator { .. } | Pause::Probation { .. }));
            assert_eq!(by_hand, watched.is_paused, "whether {name} is paused by hand");
            let by_breaker = says(|pause| matches!(pause, Pause::Breaker { .. }));
            assert_eq!(by_breaker, !watched.attempts.is_closed(), "whether {name}'s circuit is open");
            let is_throttled = state.throttled_until.is_some();
            faults.note_if(Fault::Throttled, is_throttled && !watched.is_throttled);
            watched.is_throttled = is_throttled;
        }
    }

    /// The timekeeper has been called after so many milliseconds: no event waits for its next attempt any
    /// more whose backoff is over, however the wall clock was set.
    pub(crate) fn check_waits(&mut self, states: &[ConsumerState], passed_ms: u64) {
        for state in states {
            let Some(held) = &state.oldest_held else { continue };
            let (name, offset) = (&state.record.name, held.first.offset);
            let watched = self.watched(name);
            let Some((since_ms, longest_ms)) = watched.retries.get(&offset) else { continue };
            let waits_ms = passed_ms - since_ms;
            let is_late = matches!(held.waits_for, WaitsFor::Retry { .. }) && waits_ms > *longest_ms;
            assert!(!is_late, "{name} has let {offset} wait for {waits_ms} ms, allowed are {longest_ms}");
        }
    }

    /// A worker looked for a batch. Whose turn came and who had nothing to give is not ready any more.
    pub(crate) fn looked(&mut self, after: &[ConsumerState]) {
        for state in after.iter().filter(|state| !state.ready) {
            self.watched(&state.record.name).passed_over = 0;
        }
    }

    pub(crate) fn taken(&mut self, taken: &Taken<'_>, moment: &mut Moment<'_>) -> Ticket {
        let name = &taken.batch.spec.name;
        let in_hand = self.check_version(name, taken.before);
        self.check_turns(taken, in_hand, moment.faults);
        moment.faults.note_if(Fault::BatchesTogether, in_hand > 0);
        self.handed_out(taken.batch, in_hand, moment)
    }

    /// A call of a sink was taken; what the engine said of all consumers before.
    pub(crate) fn launched(
        &mut self,
        batch: &Batch,
        before: &[ConsumerState],
        moment: &mut Moment<'_>,
    ) -> Ticket {
        let name = &batch.spec.name;
        let in_hand = self.check_version(name, before);
        let sink = self.watched(name).policy.sink.expect("only a sink makes calls");
        assert!(in_hand < sink.max_in_flight as usize, "{name} has {in_hand} calls under way already");
        assert_eq!(batch.len(), 1, "a call handles one event");
        moment.faults.note_if(Fault::CallsTogether, in_hand > 0);
        self.handed_out(batch, in_hand, moment)
    }

    fn handed_out(&mut self, batch: &Batch, in_hand: usize, moment: &mut Moment<'_>) -> Ticket {
        let name = &batch.spec.name;
        let watched = self.watched(name);
        assert!(!watched.is_paused, "{name} is given a batch although it is paused");
        let trial = watched.attempts.begin(batch, in_hand, moment);
        let calls = watched.calls.begin(watched.policy.rate, batch.len(), moment.passed_ms);
        let is_uncounted = batch.is_uncounted();
        Ticket { consumer: name.clone(), epoch: watched.epoch, trial, calls, is_uncounted }
    }

    /// Whether a consumer may be given events by what the engine said of its version; how many it has in
    /// hand.
    fn check_version(&self, name: &str, before: &[ConsumerState]) -> usize {
        let before = before.iter().find(|state| state.record.name == name);
        let before = before.expect("a batch belongs to somebody");
        let has_failed = |probation: ProbationState| fails(probation.measured, probation.before);
        assert!(!before.probation.is_some_and(has_failed), "{name} goes on with a version that has failed");
        assert!(before.damage.is_empty(), "{name} goes on although it needs what is damaged");
        before.in_flight
    }

    /// Nobody waits for more than one batch of each other consumer, nor while the last worker goes to one
    /// that has some already.
    fn check_turns(&mut self, taken: &Taken<'_>, in_hand: usize, faults: &mut Faults) {
        let name = &taken.batch.spec.name;
        // Some may have been forgotten since.
        let others = self.consumers.values().filter(|watched| watched.policy.sink.is_none()).count() - 1;
        let mut somebody_has_some = false;
        for (before, after) in taken.before.iter().zip(taken.after) {
            let other = &before.record.name;
            let is_sink = self.watched(other).policy.sink.is_some();
            let is_ready = other != name && !is_sink && before.ready && after.ready;
            let waits = is_ready && before.in_flight == 0;
            somebody_has_some |= is_ready && before.in_flight > 0;
            let watched = self.watched(other);
            // What may have taken the process down stands above turns.
            let counts = usize::from(!taken.batch.is_suspect());
            watched.passed_over = if waits { watched.passed_over + counts } else { 0 };
            let batches = watched.passed_over;
            assert!(batches <= others, "{other} waits for {batches} batches of others");
            let is_robbed = waits && taken.is_last && in_hand > 0;
            assert!(!is_robbed, "{name} takes the last worker while {other} has none");
        }
        faults.note_if(Fault::KeptWorker, taken.is_last && in_hand == 0 && somebody_has_some);
    }

    /// A batch ended after so many calls of its handler; `transaction` is what came of it.
    pub(crate) fn ended(
        &mut self,
        ticket: &Ticket,
        calls: usize,
        transaction: Option<&Transaction>,
        moment: &mut Moment<'_>,
    ) {
        let watched = self.watched(&ticket.consumer);
        watched.calls.end(ticket.calls, calls);
        let attempts = transaction.map_or(0, attempts_in);
        assert!(attempts <= calls, "{attempts} attempts of {} came of {calls} calls", ticket.consumer);
        let Some(transaction) = transaction else { return };
        for section in &transaction.sections {
            if let Section::Handled(handled) = section
                && handled.outcome == Outcome::Retrying
            {
                let held = handled.held.iter().find_map(|change| change.event.as_ref());
                let wait_ms = held.map_or(0, |held| held.due.ms_since(handled.at));
                watched.retries.insert(handled.cause, (moment.passed_ms, wait_ms));
            }
        }
        let Some(breaker) = watched.policy.breaker else { return };
        if ticket.epoch != watched.epoch {
            return;
        }
        for section in &transaction.sections {
            if let Section::Handled(handled) = section
                && !(ticket.is_uncounted && handled.outcome == Outcome::Retrying)
            {
                watched.attempts.end(breaker, ticket.trial, handled, moment);
            }
        }
    }
}

/// How many attempts of handlers a transaction counts: what only waits, takes the process down, or comes too
/// late, had none.
fn attempts_in(transaction: &Transaction) -> usize {
    let is_attempt = |section: &&Section| {
        let Section::Handled(handled) = section else { return false };
        let waits = matches!(handled.outcome, Outcome::Held | Outcome::Released);
        !waits && !is_uncalled(handled) && failure(handled) != Some(FailureCause::ProcessEnd)
    };
    transaction.sections.iter().filter(is_attempt).count()
}
