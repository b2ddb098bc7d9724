//! One call of a sink, step by step: begun, released, made by whoever can wait for it, ended.
//!
//! A handler with a way out may wait for other systems, so a task calls it instead of a worker with a batch.
//! While it waits, the call owns everything that it needs, and delays only its own partition.

use camshaft_event::transaction::{Handled, Outcome};
use camshaft_event::{Answer, Delivery, FailureCause, Sequence};
use camshaft_sabotage::{Sabotage, is_on};
use rand_chacha::ChaCha8Rng;

use super::failure::Failure;
use super::outcome::STORY_BYTES;
use super::{Finished, Run, Tried, WorkerContext};
use crate::attempt::Attempt;
use crate::batch::Batch;

/// A call that has begun. IMPORTANT: the handler is called only after [`crate::Sequencer::release`], and once
/// what that names is durable.
#[derive(Debug)]
pub struct Call(Run);

/// What became of a batch from [`crate::Sequencer::take_call`].
#[derive(Debug)]
pub enum CallStart {
    /// The handler is to be called with this attempt.
    Call(Box<Call>, Box<Attempt>),
    /// There is nothing to call: the event has to wait behind others of its key, or is condemned.
    Finished(Box<Finished>),
}

impl Call {
    /// Begins the call that `batch` asks for.
    #[must_use]
    pub fn begin(batch: Batch, mut context: WorkerContext<'_>) -> CallStart {
        debug_assert!(batch.is_call() && batch.len() == 1, "a call handles one event");
        let mut run = Run::new(batch, &context);
        match run.next(&mut context) {
            Some(attempt) => CallStart::Call(Box::new(Self(run)), Box::new(attempt)),
            None => CallStart::Finished(Box::new(run.finish())),
        }
    }

    /// The batch: `spec.code` says what to call.
    #[must_use]
    pub fn batch(&self) -> &Batch {
        &self.0.batch
    }

    /// Ends it with the handler's answer, for [`crate::Sequencer::commit_call`]. One that was not released
    /// ends in the same way if the handler could not be called.
    #[must_use]
    pub fn end(mut self, answer: Answer, attempt: Attempt, random: &mut ChaCha8Rng) -> Finished {
        let released = self.0.batch.is_released.then(|| Tried {
            number: attempt.number,
            at: attempt.now,
            began_us: attempt.began_us,
            effects: attempt.effects.inputs_only(),
        });
        self.0.calls += 1;
        self.0.record(answer, attempt, random);
        Finished { released, ..self.0.finish() }
    }

    /// Ends it without its handler being called; the event goes back to where it came from. Not after it was
    /// released.
    #[must_use]
    pub fn abandon(self) -> Finished {
        assert!(!self.0.batch.is_released, "a released event is done and cannot be returned");
        self.0.finish()
    }

    /// Ends it for want of an instance: the event goes back and is tried again once one may be free. Not
    /// after it was released.
    #[must_use]
    pub fn run_short(mut self, attempt: Attempt, random: &mut ChaCha8Rng) -> Finished {
        if is_on(Sabotage::CountShortage) {
            let answer = Answer::Failed { cause: FailureCause::Trap, error: "no instance".to_owned() };
            return self.end(answer, attempt, random);
        }
        self.0.run_short(attempt);
        self.abandon()
    }

    pub(crate) fn is_at_most_once(&self) -> bool {
        self.0.batch.spec.policy.sink.is_some_and(|sink| sink.delivery == Delivery::AtMostOnce)
    }

    /// What its handler may see something of.
    pub(crate) fn visible(&self) -> Sequence {
        self.0.batch.taken_after
    }

    /// That the event is done, before its handler is called with `attempt`. None if it was said already.
    pub(crate) fn released(&mut self, attempt: &Attempt) -> Option<Handled> {
        let item = self.0.batch.items.first()?.clone();
        if self.0.batch.is_released {
            return None;
        }
        let mut section = self.0.section(&item, attempt.number, attempt.now, Outcome::Released);
        section.held.extend(self.0.no_longer_held(&item));
        self.0.batch.is_released = true;
        Some(section)
    }
}

impl Finished {
    /// The bytes that its transaction takes at most, whatever becomes of it.
    pub(crate) fn most_bytes(&self) -> usize {
        let event_bytes = |batch: &Batch| batch.items.first().map_or(0, |item| item.event.size());
        let fallback = self.released.as_ref().map_or(0, |_| event_bytes(&self.batch) + 2 * STORY_BYTES);
        self.body.len().max(fallback)
    }

    /// The end of a released call whose effects cannot commit: a dead letter, since it must not be repeated.
    pub(crate) fn into_dead_letter(self, max_bytes: usize) -> Self {
        let (Some(item), Some(tried)) = (self.batch.items.first().cloned(), self.released) else {
            unreachable!("a released call has an event and was tried")
        };
        let mut run = Run::within(self.batch, max_bytes, 0);
        let failure = self.unread.as_ref().map_or_else(Failure::conflict, Failure::unread);
        let story = run.story(&item, &tried, failure);
        run.dead_letter(&item, tried, story);
        Self { unread: self.unread, ..run.finish() }
    }
}
