//! What a handler may ask of its attempt.

use camshaft_event::transaction::TimerChange;
use camshaft_event::{
    AttemptContext, CommandOutcome, EffectError, Generation, Limit, LogLevel, NewEvent, NewFact, Offset,
    Refusal, Scope, StatePage, Timestamp, TouchedScope,
};
use camshaft_tables::{PortionBounds, StateRange};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use xxhash_rust::xxh3::xxh3_64;

use super::account::{event_bytes, line_bytes, timer_bytes};
use super::pages::{self, PAGE_BYTES, Wanted};
use super::{Attempt, LogLine};
use crate::published;

impl AttemptContext for Attempt {
    fn attempt(&self) -> u32 {
        self.number
    }

    fn offset(&self) -> Offset {
        self.offset
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn consumer(&self) -> &str {
        &self.spec.name
    }

    fn generation(&self) -> Generation {
        self.generation
    }

    fn hops(&self) -> u32 {
        published::hops(self.event())
    }

    fn random(&mut self, buffer: &mut [u8]) {
        let (name, generation, offset) = (&self.spec.name, self.generation, self.offset);
        let random = self.random.get_or_insert_with(|| {
            // Never change it: replays of an event must see the same numbers.
            let mut seed = name.as_bytes().to_vec();
            seed.extend_from_slice(&generation.0.to_le_bytes());
            seed.extend_from_slice(&offset.0.to_le_bytes());
            Box::new(ChaCha8Rng::seed_from_u64(xxh3_64(&seed)))
        });
        random.fill_bytes(buffer);
    }

    fn config(&self, key: &str) -> Option<&str> {
        self.spec.config.get(key).map(String::as_str)
    }

    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, EffectError> {
        self.check_open()?;
        self.check_key(key)?;
        if let Some(own) = self.effects.writes.get(key) {
            return Ok(own.clone());
        }
        if let Some(earlier) = self.earlier.get(key).cloned() {
            self.keep_input(key, earlier.as_deref());
            return Ok(earlier);
        }
        let found = match self.reader.state(self.space, key) {
            Ok(found) => found,
            Err(error) => return self.unavailable(error),
        };
        if self.effects.reads.note(key, found.as_ref()) {
            self.charge_key(key)?;
        }
        let value = found.map(|found| found.value);
        self.keep_input(key, value.as_deref());
        Ok(value)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), EffectError> {
        self.check_open()?;
        self.check(Limit::StateValue, value.len(), self.options.max_state_value_bytes)?;
        self.write(key, Some(value))
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), EffectError> {
        self.check_open()?;
        self.write(key, None)
    }

    fn scan_page(
        &mut self,
        prefix: &[u8],
        after: Option<&[u8]>,
        max: usize,
    ) -> Result<StatePage, EffectError> {
        self.check_open()?;
        self.check_prefix(prefix)?;
        self.check_prefix(after.unwrap_or_default())?;
        if max == 0 {
            return Ok(StatePage::default());
        }
        let bounds = PortionBounds { entries: max, bytes: PAGE_BYTES };
        let committed = match self.reader.state_portion(self.space, prefix, after, bounds) {
            Ok(committed) => committed,
            Err(error) => return self.unavailable(error),
        };
        let wanted = Wanted { prefix, after, max };
        let page = pages::page(committed, &self.earlier, &self.effects.writes, wanted);
        let range = StateRange::under(prefix, after);
        let range = match &page.after {
            Some(last) => range.up_to(last),
            None => range,
        };
        let bytes = self.effects.reads.note_scan(range);
        self.charge(bytes)?;
        for (key, value) in &page.entries {
            if !self.effects.writes.contains_key(key) {
                self.keep_input(key, Some(value));
            }
        }
        Ok(page)
    }

    fn publish(&mut self, event: NewEvent) -> Result<(), EffectError> {
        self.check_open()?;
        let event = self.new_event(event, 0, None)?;
        self.charge(event_bytes(&event))?;
        self.effects.events.push(event);
        Ok(())
    }

    fn schedule(&mut self, name: &str, event: NewEvent, at: Timestamp) -> Result<(), EffectError> {
        self.check_open()?;
        self.check_timer_name(name)?;
        let event = Box::new(self.new_event(event, at.ms_since(self.now), None)?);
        self.charge(event_bytes(&event) + timer_bytes(name))?;
        if self.touch_timer(name, true) {
            let (count, limit) = (self.timers.count(), self.options.max_timers);
            self.check(Limit::Timers, count, limit)?;
        }
        self.effects.timers.push(TimerChange::Set { name: name.to_owned(), at, event });
        Ok(())
    }

    fn cancel(&mut self, name: &str) -> Result<(), EffectError> {
        self.check_open()?;
        self.check_timer_name(name)?;
        self.grow(name.len() + 16)?;
        self.charge(timer_bytes(name))?;
        self.touch_timer(name, false);
        self.effects.timers.push(TimerChange::Cancel { name: name.to_owned() });
        Ok(())
    }

    fn answer(&mut self, answer: Result<Vec<u8>, Refusal>) -> Result<(), EffectError> {
        self.check_open()?;
        if !self.spec.role.answers() {
            return self.refuse(EffectError::NoCommand);
        }
        let outcome = match answer {
            Ok(reply) => CommandOutcome::Accepted { reply: reply.into() },
            Err(refusal) => CommandOutcome::Refused(refusal),
        };
        self.check(Limit::Answer, outcome.size(), self.options.max_answer_bytes)?;
        self.charge(outcome.size())?;
        self.grow(outcome.size())?;
        self.effects.answer = Some(Box::new(outcome));
        Ok(())
    }

    fn load(&mut self, scope: &Scope) -> Result<Option<Vec<u8>>, EffectError> {
        self.load_scope(scope)
    }

    fn record(&mut self, fact: NewFact) -> Result<(), EffectError> {
        self.record_fact(fact)
    }

    fn touched_scopes(&mut self) -> Vec<TouchedScope> {
        self.scopes_without_fold()
    }

    fn set_fold(&mut self, scope: &Scope, fold: Vec<u8>) -> Result<(), EffectError> {
        self.fold_scope(scope, fold)
    }

    fn log(&mut self, level: LogLevel, message: &str, fields: &[(String, String)]) {
        self.account.add(line_bytes(message, fields));
        let (message, fields) = (message.to_owned(), fields.to_vec());
        self.effects.log.push(LogLine { level, message, fields });
    }

    fn refusal(&self) -> Option<&EffectError> {
        self.effects.refusal.as_ref()
    }

    fn kept_bytes(&self) -> usize {
        self.account.kept_bytes()
    }

    fn set_instance_memory(&mut self, used_bytes: usize, limit_bytes: usize) {
        self.account.set_instance(used_bytes, limit_bytes);
    }
}
