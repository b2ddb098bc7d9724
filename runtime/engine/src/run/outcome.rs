//! What becomes of an event after its attempt: done, tried again, or a dead letter.

use camshaft_event::transaction::{DeadChange, HeldChange, Outcome};
use camshaft_event::{Answer, AttemptInputs, EffectError, FailedAttempt, FailureCause, HeldEvent, reserved};
use camshaft_sabotage::{Sabotage, is_on};
use rand_chacha::ChaCha8Rng;

use super::failure::{Failure, failure};
use super::{Room, Run, Tried, WorkerContext};
use crate::attempt::Attempt;
use crate::batch::Item;
use crate::{backoff, dead_letter};

/// What a dead letter takes in a transaction beside the event and its story, announcement included; generous.
pub(super) const STORY_BYTES: usize = 8 * 1024;

/// What is kept of each error where an event leaves little room for its story.
const SHORT_ERROR_BYTES: usize = 256;

impl Run {
    pub(super) fn record(&mut self, answer: Answer, mut attempt: Attempt, random: &mut ChaCha8Rng) {
        self.writes = std::mem::take(&mut attempt.earlier);
        self.timers = std::mem::take(&mut attempt.timers);
        self.time = std::mem::take(&mut attempt.time);
        self.kept_bytes += attempt.account.kept_bytes();
        let Some(item) = self.batch.items.get(self.next).cloned() else { return };
        if let Some(error) = attempt.effects.unread.take() {
            self.unread = Some(error);
            self.ended = true;
            return;
        }
        if let Some(EffectError::StaleFold { scope }) = &attempt.effects.refusal {
            self.stale = Some(scope.clone());
            self.ended = true;
            return;
        }
        let failure = match failure(answer, attempt.effects.refusal.as_ref()) {
            None => self.done(&item, &mut attempt),
            failure => failure,
        };
        if let Some(failure) = failure {
            self.fail(&item, attempt, failure, random);
        }
    }

    /// Takes in the effects of an attempt that succeeded; a failure if no transaction can hold them.
    fn done(&mut self, item: &Item, attempt: &mut Attempt) -> Option<Failure> {
        let without_fold = attempt.effects.scopes.as_ref().and_then(|scopes| scopes.without_fold());
        if let Some(scope) = without_fold {
            return Some(Failure::without_fold(scope));
        }
        let mut section = self.section(item, attempt.number, attempt.now, Outcome::Done);
        section.held.extend(self.no_longer_held(item));
        let effects = &mut attempt.effects;
        section.command = self.answered(item, effects);
        section.events = std::mem::take(&mut effects.events);
        section.timers = std::mem::take(&mut effects.timers);
        section.state = effects.state_writes();
        match self.push(&item.key, section, &mut effects.reads) {
            Room::Taken => {
                self.timers.keep();
                // Not `append`, which builds the whole map anew each time.
                self.writes.extend(std::mem::take(&mut effects.writes));
                self.state_growth += effects.state_growth;
                self.fact_bytes += effects.fact_bytes;
                if item.held().is_some() {
                    let key = self.key(item);
                    key.remaining = key.remaining.saturating_sub(1);
                }
                None
            }
            // The event runs again as the first of a later batch.
            Room::NextBatch => {
                self.timers.forget();
                None
            }
            Room::Nowhere(bytes) => Some(Failure::too_large(bytes, self.max_bytes)),
        }
    }

    /// Sets an event aside that took the process down while nothing else ran; its handler is not called.
    pub(super) fn condemn(&mut self, item: &Item, now_us: u64, context: &mut WorkerContext<'_>) {
        let number = item.held().map_or(1, HeldEvent::next_attempt);
        let mut attempt = self.attempt(item, number, now_us, context);
        self.writes = std::mem::take(&mut attempt.earlier);
        self.timers = std::mem::take(&mut attempt.timers);
        self.fail(item, attempt, Failure::process_end(), context.random);
    }

    fn fail(&mut self, item: &Item, attempt: Attempt, failure: Failure, random: &mut ChaCha8Rng) {
        self.timers.forget();
        let mut tried = Tried {
            number: attempt.number,
            at: attempt.now,
            began_us: attempt.began_us,
            effects: attempt.effects,
        };
        tried.effects.reads.forget_writes();
        let is_on_probation = self.batch.is_uncounted() && !is_on(Sabotage::CountDuringProbation);
        // One that asks for another attempt has planned for it; a key does not wait a minute for that.
        let is_uncounted = is_on_probation && failure.cause == FailureCause::Retry;
        if is_on_probation && !is_uncounted {
            self.suspend(item, tried, failure);
            return;
        }
        let (is_final, after_ms) = (failure.cause.is_final(), failure.after_ms);
        let mut story = self.story(item, &tried, failure);
        story.uncounted += u32::from(is_uncounted && !is_on(Sabotage::CountProbationRetries));
        let policy = &self.batch.spec.policy;
        let age_ms = story.first_attempt.map_or(0, |first| tried.at.ms_since(first));
        let counted = tried.number.saturating_sub(story.uncounted);
        let is_exhausted = counted >= policy.max_attempts || age_ms >= policy.max_age_ms;
        // A call whose event is done already is never repeated.
        if is_final || (is_exhausted && !is_uncounted) || self.batch.is_released {
            self.dead_letter(item, tried, story);
            return;
        }
        let wait_ms = backoff::next_wait_ms(policy, after_ms, age_ms, tried.number, random);
        story.due = tried.at.plus_ms(wait_ms);
        let due_us = tried.began_us.saturating_add(wait_ms.saturating_mul(1_000));
        let mut section = self.section(item, tried.number, tried.at, Outcome::Retrying);
        section.held.push(HeldChange { offset: item.offset, event: Some(Box::new(story)) });
        if is_on(Sabotage::LeakFailedState) {
            section.state = tried.effects.state_writes();
        }
        if let Room::Taken = self.push(&item.key, section, &mut tried.effects.reads) {
            let is_new = item.held().is_none();
            let key = self.key(item);
            key.blocked = true;
            key.remaining += usize::from(is_new);
            self.retries.push((item.offset, due_us));
        }
    }

    /// Lets an event wait that failed on probation. Its attempt counts for nothing but the measure.
    fn suspend(&mut self, item: &Item, mut tried: Tried, failure: Failure) {
        let mut held = item.to_held();
        held.held_since.get_or_insert(tried.at);
        let activation = self.batch.activation;
        let failed = FailedAttempt::new(tried.number, tried.at, activation, failure.cause, failure.error);
        held.suspended = Some(Box::new(failed));
        if held.size() + STORY_BYTES > self.max_bytes {
            held.shorten(SHORT_ERROR_BYTES);
        }
        let mut section = self.section(item, tried.number, tried.at, Outcome::Suspended);
        section.held.push(HeldChange { offset: item.offset, event: Some(Box::new(held)) });
        if let Room::Taken = self.push(&item.key, section, &mut tried.effects.reads) {
            let is_new = item.held().is_none();
            let key = self.key(item);
            key.blocked = true;
            key.remaining += usize::from(is_new);
        }
    }

    /// The story of the event's attempts with the one that failed.
    pub(super) fn story(&self, item: &Item, tried: &Tried, failure: Failure) -> HeldEvent {
        let mut story = item.to_held();
        story.suspended = None;
        story.first_attempt.get_or_insert(tried.at);
        story.held_since.get_or_insert(tried.at);
        let activation = self.batch.activation;
        let failed = FailedAttempt::new(tried.number, tried.at, activation, failure.cause, failure.error);
        story.history.push(failed);
        story.attempts = tried.number;
        if story.size() + STORY_BYTES > self.max_bytes {
            story.shorten(SHORT_ERROR_BYTES);
        }
        story
    }

    pub(super) fn dead_letter(&mut self, item: &Item, mut tried: Tried, story: HeldEvent) {
        let parks = dead_letter::parks(self.batch.spec.policy.after_dead_letter, &item.key);
        let mut section = self.section(item, tried.number, tried.at, Outcome::DeadLettered);
        section.held.extend(self.no_longer_held(item));
        // Failures of handling a system event are recorded but not announced, lest they feed on themselves.
        if !reserved::is_type(&item.event.event_type) {
            let (consumer, generation) = (&*self.batch.spec.name, self.batch.generation);
            let owner = dead_letter::Owner { consumer, generation, offset: item.offset };
            section.events.push(dead_letter::announcement(owner, &story, false, tried.at));
        }
        let mut letter = dead_letter::of(story, tried.at, parks, tried.effects.inputs);
        if letter.size() + STORY_BYTES > self.max_bytes {
            letter.inputs = AttemptInputs { state: Vec::new(), truncated: true };
        }
        section.dead.push(DeadChange { offset: item.offset, letter: Some(Box::new(letter)) });
        if let Room::Taken = self.push(&item.key, section, &mut tried.effects.reads) {
            let was_held = item.held().is_some();
            let key = self.key(item);
            key.blocked |= parks;
            key.remaining = key.remaining.saturating_sub(usize::from(was_held));
        }
    }
}
