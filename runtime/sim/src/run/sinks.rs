//! Steps of the runtime's sinks: calls that are taken, released, made once what they can see is durable, and
//! committed.

use camshaft_engine::{Attempt, Call, CallStart, Committed, Finished, Handler, Mark, Release};
use camshaft_event::transaction::Section;
use camshaft_event::{Delivery, FailureCause, Sequence};

use super::Run;
use super::calls_made::Left;
use super::handlers::Handlers;
use super::records::CallRecord;
use super::witness::Statement;
use crate::delivery::{Moment, Ticket};
use crate::faults::Fault;
use crate::model::failure;

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
    /// It has ended, and waits for room to commit.
    Ended(Box<Finished>, CallRecord),
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
        let mut worker = self.worker();
        match worker.begin(batch) {
            CallStart::Call(call, attempt) if self.finds_no_instance() => {
                let finished = Box::new(worker.run_short(*call, *attempt));
                self.under_way
                    .push(UnderWay { ticket, stage: Stage::Ended(finished, CallRecord::default()) });
            }
            CallStart::Call(call, attempt) => self.release(ticket, call, attempt),
            CallStart::Finished(finished) => {
                self.under_way
                    .push(UnderWay { ticket, stage: Stage::Ended(finished, CallRecord::default()) });
            }
        }
        true
    }

    fn release(&mut self, ticket: Ticket, mut call: Box<Call>, attempt: Box<Attempt>) {
        let now = self.now();
        let released = self.process.sequencer().release(&mut call, &attempt, now);
        let released = released.expect("the tables can be read");
        self.tell(|| format!("release → {released:?}"));
        let stage = match released {
            Release::After(after) => Stage::Released(call, attempt, after),
            Release::NotNow(_) => Stage::Started(call, attempt),
            Release::Stale => Stage::Ended(Box::new(call.abandon()), CallRecord::default()),
        };
        self.under_way.push(UnderWay { ticket, stage });
    }

    /// Brings a call that is under way as far as it gets.
    pub(super) fn go_on_with_a_call(&mut self) {
        if self.under_way.is_empty() {
            return;
        }
        let at = self.pick(self.under_way.len());
        self.go_on_with(at);
    }

    /// The same with the oldest call of this consumer; whether there was one.
    pub(super) fn go_on_with_a_call_of(&mut self, consumer: &str) -> bool {
        let at = self.under_way.iter().position(|call| call.ticket.is_of(consumer));
        at.map(|at| self.go_on_with(at)).is_some()
    }

    fn go_on_with(&mut self, at: usize) {
        let UnderWay { ticket, stage } = self.under_way.swap_remove(at);
        match stage {
            Stage::Started(call, attempt) => self.release(ticket, call, attempt),
            Stage::Released(call, attempt, after) => {
                // What its handler reads is durable, too: it would wait for that.
                let written = self.process.sequencer().state_written(attempt.mark().consumer);
                let stage = if after.max(written) <= self.durable() {
                    let (finished, called) = self.call(*call, *attempt);
                    Stage::Ended(finished, called)
                } else {
                    Stage::Released(call, attempt, after)
                };
                self.under_way.push(UnderWay { ticket, stage });
            }
            Stage::Ended(finished, called) => self.commit_call(ticket, finished, called),
        }
    }

    /// Makes a call: from here on somebody outside has seen it.
    fn call(&mut self, call: Call, attempt: Attempt) -> (Box<Finished>, CallRecord) {
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
        let mut worker = self.worker();
        let mut handlers = Handlers::new(self, 0);
        let (answer, attempt) = handlers.call(attempt);
        (Box::new(worker.end(call, answer, attempt)), handlers.into_record())
    }

    fn commit_call(&mut self, ticket: Ticket, finished: Box<Finished>, called: CallRecord) {
        let committed = match self.process.commit_call(finished) {
            Ok(committed) => committed,
            Err(finished) => {
                self.under_way.push(UnderWay { ticket, stage: Stage::Ended(finished, called) });
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
            Section::Handled(handled) => failure(handled) == Some(FailureCause::Conflict),
            _ => false,
        };
        let is_conflict = sections.into_iter().any(is_conflict) || committed == Committed::Conflict;
        self.note_if(Fault::CallConflict, is_conflict);
        let mut moment = Moment { passed_ms: self.machine.clock.passed_ms(), faults: &mut self.faults };
        self.delivery.ended(&ticket, called.attempts.len(), transaction.as_ref(), &mut moment);
        if is_conflict {
            self.note_conflict(&called);
        } else if let Committed::At(sequence) = committed {
            self.record(sequence, called);
        }
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
        let is_made =
            |call: &UnderWay| matches!(&call.stage, Stage::Ended(_, called) if !called.attempts.is_empty());
        let is_cut_off = self.under_way.iter().any(is_made);
        self.note_if(Fault::CallCutOff, is_cut_off);
        self.under_way.clear();
    }
}
