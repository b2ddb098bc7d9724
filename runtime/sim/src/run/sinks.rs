//! Steps of the runtime's sinks: calls that are taken, released, made once what they can see is durable, and committed.

use camshaft_engine::{Attempt, Call, CallStart, Committed, Finished, Handler, Mark, Release};
use camshaft_event::transaction::Section;
use camshaft_event::{Delivery, Sequence};

use super::Run;
use super::calls_made::Left;
use super::witness::Statement;
use crate::delivery::{Moment, Ticket};
use crate::faults::Fault;
use crate::handlers::{Handlers, SHORTAGES};

/// A call that is under way.
pub(super) struct UnderWay {
    ticket: Ticket,
    stage: Stage,
}

/// How far a call is.
enum Stage {
    /// It waits for room to be released.
    Started(Box<Call>, Box<Attempt>),
    /// It may be made once this is durable.
    Released(Box<Call>, Box<Attempt>, Sequence),
    /// It has ended after so many calls of its handler, and waits for room to commit.
    Ended(Box<Finished>, usize),
}

impl Run {
    /// Takes the next call of a sink; whether there was one.
    pub(super) fn launch(&mut self) -> bool {
        if !self.process.sequencer().has_calls() {
            return false;
        }
        let before = self.process.sequencer().consumer_states();
        let Some(batch) = self.process.take_call() else { return false };
        self.tell(|| format!("take a call of {}", batch.spec.name));
        let mut moment = Moment { passed_ms: self.machine.clock.passed_ms(), faults: &mut self.faults };
        let ticket = self.delivery.launched(&batch, &before, &mut moment);
        match self.process.begin(batch, &mut self.jitter) {
            CallStart::Call(call, attempt) if self.finds_no_instance() => {
                let finished = Box::new(call.run_short(*attempt, &mut self.jitter));
                self.under_way.push(UnderWay { ticket, stage: Stage::Ended(finished, 0) });
            }
            CallStart::Call(call, attempt) => self.release(ticket, call, attempt),
            CallStart::Finished(finished) => {
                self.under_way.push(UnderWay { ticket, stage: Stage::Ended(finished, 0) });
            }
        }
        true
    }

    /// Whether there is no instance for the next call.
    fn finds_no_instance(&mut self) -> bool {
        let is_short = self.chance.as_mut().is_some_and(|chance| chance.below(SHORTAGES) == 0);
        self.note_if(Fault::ShortOfInstances, is_short);
        is_short
    }

    fn release(&mut self, ticket: Ticket, mut call: Box<Call>, attempt: Box<Attempt>) {
        let now = self.now();
        let released = self.process.sequencer().release(&mut call, &attempt, now);
        let released = released.expect("the tables can be read");
        self.tell(|| format!("release → {released:?}"));
        let stage = match released {
            Release::After(after) => Stage::Released(call, attempt, after),
            Release::NotNow(_) => Stage::Started(call, attempt),
            Release::Stale => Stage::Ended(Box::new(call.abandon()), 0),
        };
        self.under_way.push(UnderWay { ticket, stage });
    }

    /// Brings a call that is under way as far as it gets.
    pub(super) fn go_on_with_a_call(&mut self) {
        if self.under_way.is_empty() {
            return;
        }
        let at = self.pick(self.under_way.len());
        let UnderWay { ticket, stage } = self.under_way.swap_remove(at);
        match stage {
            Stage::Started(call, attempt) => self.release(ticket, call, attempt),
            Stage::Released(call, attempt, after) => {
                // What its handler reads is durable, too: it would wait for that.
                let written = self.process.sequencer().state_written(attempt.mark().consumer);
                let stage = if after.max(written) <= self.durable() {
                    let (finished, calls) = self.call(*call, *attempt);
                    Stage::Ended(finished, calls)
                } else {
                    Stage::Released(call, attempt, after)
                };
                self.under_way.push(UnderWay { ticket, stage });
            }
            Stage::Ended(finished, calls) => self.commit_call(ticket, finished, calls),
        }
    }

    /// Makes a call: from here on somebody outside has seen it.
    fn call(&mut self, call: Call, attempt: Attempt) -> (Box<Finished>, usize) {
        let mark = attempt.mark();
        let policy = call.batch().spec.policy.sink.expect("a sink makes calls");
        let is_once = policy.delivery == Delivery::AtMostOnce;
        self.tell(|| format!("call {} with {}", call.batch().spec.name, mark.offset));
        let statement = Statement::Event { offset: mark.offset, hash: attempt.event().hash() };
        let durable = self.process.sequencer().durable();
        self.witness.expect(durable.sequence, statement);
        self.witness.hear(durable.sequence);
        assert!(mark.offset < durable.next_offset, "{} gets out before it is durable", mark.offset);
        self.calls_made.note(Left {
            consumer: mark.consumer,
            generation: mark.generation,
            offset: mark.offset,
        });
        self.note(if is_once { Fault::CalledOnce } else { Fault::CalledAgain });
        let (chance, clock, faults) = (self.chance.as_mut(), &self.machine.clock, &mut self.faults);
        let mut handlers = Handlers { chance, clock, faults, calls: 0, is_short: false };
        let (answer, attempt) = handlers.call(attempt);
        let calls = handlers.calls;
        (Box::new(call.end(answer, attempt, &mut self.jitter)), calls)
    }

    fn commit_call(&mut self, ticket: Ticket, finished: Box<Finished>, calls: usize) {
        let committed = match self.process.commit_call(finished) {
            Ok(committed) => committed,
            Err(finished) => {
                self.under_way.push(UnderWay { ticket, stage: Stage::Ended(finished, calls) });
                return;
            }
        };
        self.tell(|| format!("commit a call → {committed:?}"));
        let transaction = match committed {
            Committed::At(sequence) => self.process.queued(sequence),
            _ => None,
        };
        let sections = transaction.iter().flat_map(|transaction| &transaction.sections);
        let is_conflict = |section: &Section| match section {
            Section::Handled(handled) => handled.dead.iter().any(|change| {
                let latest = change.letter.as_ref().and_then(|letter| letter.history.latest());
                latest.is_some_and(|latest| latest.cause == camshaft_event::FailureCause::Conflict)
            }),
            _ => false,
        };
        let is_conflict = sections.into_iter().any(is_conflict);
        self.note_if(Fault::CallConflict, is_conflict || committed == Committed::Conflict);
        let mut moment = Moment { passed_ms: self.machine.clock.passed_ms(), faults: &mut self.faults };
        self.delivery.ended(&ticket, calls, transaction.as_ref(), &mut moment);
        self.hear_verdicts();
        let states = self.process.sequencer().consumer_states();
        self.delivery.check(&states, &mut self.faults);
    }

    /// Makes one whole call; whether there was one to make.
    pub(super) fn step_call(&mut self) -> bool {
        let has_launched = self.launch();
        self.sync();
        let has_some = !self.under_way.is_empty();
        self.go_on_with_a_call();
        has_launched || has_some
    }

    /// The attempts of calls that may be being made.
    pub(super) fn calls_made(&self) -> Vec<Mark> {
        let durable = self.durable();
        let made = self.under_way.iter().filter_map(|call| match &call.stage {
            Stage::Released(_, attempt, after) if *after <= durable => Some(attempt.mark()),
            _ => None,
        });
        made.collect()
    }

    /// The process ends in the middle of its calls.
    pub(super) fn cut_calls_off(&mut self) {
        let made = self.under_way.iter().filter(|call| matches!(call.stage, Stage::Ended(_, 1)));
        let is_cut_off = made.count() > 0;
        self.note_if(Fault::CallCutOff, is_cut_off);
        self.under_way.clear();
    }
}
