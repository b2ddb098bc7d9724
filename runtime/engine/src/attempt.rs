//! One attempt: what a handler sees, and the buffer of what it does.
//!
//! It implements the seam [`AttemptContext`]. The batch's run hands it to the handler and takes it back with
//! the answer. Its effects count only if the answer is `Done` and nothing was refused.

mod reads;
mod timers;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use camshaft_event::transaction::TimerChange;
use camshaft_event::{
    AttemptContext, AttemptInputs, EffectError, Event, Generation, LogLevel, NewEvent, Offset, StateEntry,
    Timestamp,
};
use camshaft_tables::{StateSpace, TablesError};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use xxhash_rust::xxh3::xxh3_64;

pub(crate) use reads::Reads;
pub use reads::StateReader;
pub(crate) use timers::TimersInBatch;

use crate::batch::SharedEvent;
use crate::{ConsumerSpec, EngineOptions, published};

/// Bytes of state values kept as the inputs of a dead letter.
const MAX_INPUT_BYTES: usize = 64 * 1024;

/// Bytes a section takes beside its effects; an estimate on the high side.
const SECTION_BYTES: usize = 256;

/// Writes of a batch's earlier sections, or of one attempt: the value, or `None` for a deleted key.
pub(crate) type Writes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// One line that a handler logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How serious.
    pub level: LogLevel,
    /// What it says.
    pub message: String,
    /// Names and values beside it.
    pub fields: Vec<(String, String)>,
}

/// One call of a handler with one event.
pub struct Attempt {
    pub(crate) spec: Arc<ConsumerSpec>,
    pub(crate) options: Arc<EngineOptions>,
    pub(crate) reader: Arc<dyn StateReader>,
    pub(crate) space: StateSpace,
    pub(crate) generation: Generation,
    pub(crate) event: SharedEvent,
    pub(crate) offset: Offset,
    pub(crate) number: u32,
    pub(crate) now: Timestamp,
    pub(crate) random: Option<ChaCha8Rng>,
    /// What earlier sections of the batch wrote.
    pub(crate) earlier: Writes,
    /// Timers as earlier sections of the batch and this attempt leave them.
    pub(crate) timers: TimersInBatch,
    pub(crate) effects: Effects,
}

/// What one attempt did so far.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) writes: Writes,
    pub(crate) events: Vec<Event>,
    pub(crate) timers: Vec<TimerChange>,
    pub(crate) reads: Reads,
    /// What it read, for a dead letter.
    pub(crate) inputs: AttemptInputs,
    input_bytes: usize,
    /// Estimate of what its section takes.
    bytes: usize,
    /// The first refusal; it decides the outcome.
    pub(crate) refusal: Option<EffectError>,
    pub(crate) log: Vec<LogLine>,
}

impl Attempt {
    /// The event being handled.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// The same event, for a caller that moves the attempt while it reads the event.
    #[must_use]
    pub fn share_event(&self) -> SharedEvent {
        self.event.clone()
    }

    /// The lines the handler logged; the caller passes them on whatever the outcome is.
    #[must_use]
    pub fn take_log(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.effects.log)
    }

    /// Keeps a value that was read, for a dead letter, while there is room for it.
    fn keep_input(&mut self, key: &[u8], value: Option<&[u8]>) {
        let effects = &mut self.effects;
        effects.input_bytes += key.len() + value.map_or(0, <[u8]>::len);
        effects.inputs.truncated |= effects.input_bytes > MAX_INPUT_BYTES;
        if !effects.inputs.truncated {
            effects.inputs.state.push((key.to_vec().into(), value.map(|value| value.to_vec().into())));
        }
    }

    fn refuse<T>(&mut self, error: EffectError) -> Result<T, EffectError> {
        self.effects.refusal.get_or_insert_with(|| error.clone());
        Err(error)
    }

    fn unavailable<T>(&mut self, error: &TablesError) -> Result<T, EffectError> {
        self.refuse(EffectError::Unavailable { reason: error.to_string() })
    }

    fn check(
        &mut self,
        what: &'static str,
        actual: usize,
        limit: usize,
        setting: &'static str,
    ) -> Result<(), EffectError> {
        if actual <= limit {
            return Ok(());
        }
        self.refuse(EffectError::Limit { what, actual: actual as u64, limit: limit as u64, setting })
    }

    fn grow(&mut self, bytes: usize) -> Result<(), EffectError> {
        let total = self.effects.bytes + bytes;
        let limit = self.options.max_transaction_bytes;
        self.check(
            "the effects of one attempt in bytes",
            total + SECTION_BYTES,
            limit,
            "limits.max_transaction_bytes",
        )?;
        self.effects.bytes = total;
        Ok(())
    }

    fn check_key(&mut self, key: &[u8]) -> Result<(), EffectError> {
        self.check(
            "state key length in bytes",
            key.len(),
            self.options.max_state_key_bytes,
            "none: it is fixed",
        )
    }

    fn check_timer_name(&mut self, name: &str) -> Result<(), EffectError> {
        self.check(
            "timer name length in bytes",
            name.len(),
            self.options.max_timer_name_bytes,
            "none: it is fixed",
        )
    }

    /// Notes a timer as set or cancelled; whether it is one more than before.
    fn touch_timer(&mut self, name: &str, is_set: bool) -> bool {
        let (reader, consumer) = (&self.reader, self.space.consumer);
        self.timers.touch(name, is_set, || reader.has_timer(consumer, name))
    }

    fn new_event(&mut self, event: NewEvent) -> Result<Event, EffectError> {
        if !self.spec.may_publish(&event.event_type) {
            return self.refuse(EffectError::UndeclaredType { event_type: event.event_type });
        }
        let index = self.effects.events.len() + self.effects.timers.len();
        let author = published::Author { consumer: &self.spec.name, generation: self.generation };
        let built =
            published::build(author, &self.event, self.offset, index, self.now, event).and_then(|event| {
                published::check_hops(&event, &self.event, self.offset, self.options.max_hops).map(|()| event)
            });
        let event = match built {
            Ok(event) => event,
            Err(error) => return self.refuse(error),
        };
        let limit = self.options.max_event_bytes;
        self.check("the size of one event in bytes", event.size(), limit, "limits.max_event_bytes")?;
        self.grow(event.size())?;
        Ok(event)
    }

    fn write(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), EffectError> {
        self.check_key(key)?;
        // Of several writes to a key only the last one commits.
        if let Some(replaced) = self.effects.writes.remove(key) {
            self.effects.bytes -= write_bytes(key, replaced.as_deref());
        }
        self.grow(write_bytes(key, value))?;
        self.effects.writes.insert(key.to_vec(), value.map(<[u8]>::to_vec));
        Ok(())
    }
}

/// What one write takes in a section; an estimate on the high side.
fn write_bytes(key: &[u8], value: Option<&[u8]>) -> usize {
    key.len() + value.map_or(0, <[u8]>::len) + 16
}

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
            ChaCha8Rng::seed_from_u64(xxh3_64(&seed))
        });
        random.fill_bytes(buffer);
    }

    fn config(&self, key: &str) -> Option<&str> {
        self.spec.config.get(key).map(String::as_str)
    }

    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, EffectError> {
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
            Err(error) => return self.unavailable(&error),
        };
        self.effects.reads.note(key, found.as_ref().map(|found| found.version).unwrap_or_default());
        let value = found.map(|found| found.value);
        self.keep_input(key, value.as_deref());
        Ok(value)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), EffectError> {
        let limit = self.options.max_state_value_bytes;
        self.check("state value size in bytes", value.len(), limit, "limits.max_state_value_bytes")?;
        self.write(key, Some(value))
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), EffectError> {
        self.write(key, None)
    }

    fn scan(
        &mut self,
        prefix: &[u8],
        after: Option<&[u8]>,
        max: usize,
    ) -> Result<Vec<StateEntry>, EffectError> {
        self.check_key(prefix)?;
        self.check_key(after.unwrap_or_default())?;
        self.effects.reads.scanned = true;
        // Own writes can only hide or replace committed entries, never more than there are of them.
        let own = own_entries(&self.earlier, &self.effects.writes, prefix, after);
        let committed = match self.reader.scan_state(self.space, prefix, after, max.saturating_add(own.len()))
        {
            Ok(committed) => committed,
            Err(error) => return self.unavailable(&error),
        };
        let mut merged: BTreeMap<Vec<u8>, Option<Vec<u8>>> =
            committed.into_iter().map(|(key, found)| (key, Some(found.value))).collect();
        merged.extend(own);
        let page: Vec<StateEntry> =
            merged.into_iter().filter_map(|(key, value)| Some((key, value?))).take(max).collect();
        for (key, value) in &page {
            if !self.effects.writes.contains_key(key) {
                self.keep_input(key, Some(value));
            }
        }
        Ok(page)
    }

    fn publish(&mut self, event: NewEvent) -> Result<(), EffectError> {
        let event = self.new_event(event)?;
        self.effects.events.push(event);
        Ok(())
    }

    fn schedule(&mut self, name: &str, event: NewEvent, at: Timestamp) -> Result<(), EffectError> {
        self.check_timer_name(name)?;
        let event = Box::new(self.new_event(event)?);
        if self.touch_timer(name, true) {
            let (count, limit) = (self.timers.count(), self.options.max_timers);
            self.check("the number of timers that are set", count, limit, "limits.max_timers")?;
        }
        self.effects.timers.push(TimerChange::Set { name: name.to_owned(), at, event });
        Ok(())
    }

    fn cancel(&mut self, name: &str) -> Result<(), EffectError> {
        self.check_timer_name(name)?;
        self.grow(name.len() + 16)?;
        self.touch_timer(name, false);
        self.effects.timers.push(TimerChange::Cancel { name: name.to_owned() });
        Ok(())
    }

    fn log(&mut self, level: LogLevel, message: &str, fields: &[(String, String)]) {
        let (message, fields) = (message.to_owned(), fields.to_vec());
        self.effects.log.push(LogLine { level, message, fields });
    }
}

fn own_entries(earlier: &Writes, writes: &Writes, prefix: &[u8], after: Option<&[u8]>) -> Writes {
    let mut own = Writes::new();
    for layer in [earlier, writes] {
        let under = layer.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
        own.extend(
            under
                .filter(|(key, _)| after.is_none_or(|after| key.as_slice() > after))
                .map(|(key, value)| (key.clone(), value.clone())),
        );
    }
    own
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("consumer", &self.spec.name)
            .field("offset", &self.offset)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}
