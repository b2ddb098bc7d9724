//! One attempt: what a handler sees, and the buffer of what it does.
//!
//! It implements the seam [`AttemptContext`]. The batch's run hands it to the handler and takes it back with
//! the answer. Its effects count only if the answer is `Done` and nothing was refused.

mod account;
mod context;
mod pages;
mod ranges;
mod reads;
mod scopes;
mod timers;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use camshaft_event::transaction::{StateWrite, TimerChange};
use camshaft_event::{
    AttemptInputs, CommandOutcome, EffectError, Event, Generation, Limit, LogLevel, NewEvent, Offset,
    Timestamp,
};
use camshaft_tables::{StateSpace, TablesError};
use rand_chacha::ChaCha8Rng;

pub(crate) use account::Account;
use account::entry_bytes;
pub(crate) use reads::Reads;
pub use reads::StateReader;
pub(crate) use scopes::Scopes;
pub(crate) use timers::TimersInBatch;

use crate::batch::SharedEvent;
use crate::clock::TimeText;
use crate::suspects::Mark;
use crate::{ConsumerSpec, EngineOptions, published};

/// Bytes of state values kept as the inputs of a dead letter.
const MAX_INPUT_BYTES: usize = 64 * 1024;

/// Bytes a section takes beside its effects; an estimate on the high side.
pub(crate) const SECTION_BYTES: usize = 256;

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
    /// Which run this is with nothing else beside it; 0 if others may run.
    pub(crate) lone_runs: u32,
    pub(crate) options: Arc<EngineOptions>,
    pub(crate) reader: Arc<dyn StateReader>,
    pub(crate) space: StateSpace,
    pub(crate) generation: Generation,
    pub(crate) event: SharedEvent,
    pub(crate) offset: Offset,
    pub(crate) number: u32,
    pub(crate) now: Timestamp,
    /// `now` on the monotonic clock, in microseconds.
    pub(crate) began_us: u64,
    pub(crate) random: Option<Box<ChaCha8Rng>>,
    /// What earlier sections of the batch wrote.
    pub(crate) earlier: Writes,
    /// Bytes of keys and values in the state as earlier sections of the batch leave it.
    pub(crate) state_bytes: u64,
    /// Bytes of all facts as earlier sections of the batch leave them.
    pub(crate) fact_bytes: u64,
    /// Timers as earlier sections of the batch and this attempt leave them.
    pub(crate) timers: TimersInBatch,
    /// `now` as text, once something was published.
    pub(crate) time: TimeText,
    /// What is kept for it.
    pub(crate) account: Account,
    pub(crate) effects: Effects,
}

/// What one attempt did so far.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) writes: Writes,
    /// By how many bytes of keys and values they let the state grow.
    pub(crate) state_growth: i64,
    pub(crate) events: Vec<Event>,
    /// Bytes of the facts among them.
    pub(crate) fact_bytes: u64,
    pub(crate) timers: Vec<TimerChange>,
    /// The answer to the command that is handled.
    pub(crate) answer: Option<Box<CommandOutcome>>,
    /// The scopes that its decision read or recorded about.
    pub(crate) scopes: Option<Box<Scopes>>,
    pub(crate) reads: Reads,
    /// What it read, for a dead letter.
    pub(crate) inputs: AttemptInputs,
    input_bytes: usize,
    /// Estimate of what its section takes.
    bytes: usize,
    /// The first refusal; it decides the outcome.
    pub(crate) refusal: Option<EffectError>,
    /// Why the tables could not be read, if so.
    pub(crate) unread: Option<TablesError>,
    pub(crate) log: Vec<LogLine>,
}

impl Effects {
    /// None of what it did, only what it read, for a dead letter.
    pub(crate) fn inputs_only(&self) -> Self {
        Self { inputs: self.inputs.clone(), ..Self::default() }
    }

    /// Only the answer and the reads: a refused command has no effects.
    pub(crate) fn answer_only(&mut self) {
        let (answer, scopes) = (self.answer.take(), self.scopes.take());
        let mut reads = std::mem::take(&mut self.reads);
        // It was written nowhere, so its size is not the attempt's concern.
        reads.forget_writes();
        *self = Self { answer, scopes, reads, inputs: std::mem::take(&mut self.inputs), ..Self::default() };
    }

    /// What its section says of state.
    pub(crate) fn state_writes(&self) -> Vec<StateWrite> {
        let writes = self.writes.iter();
        writes
            .map(|(key, value)| StateWrite { key: key.clone().into(), value: value.clone().map(Into::into) })
            .collect()
    }
}

impl Attempt {
    /// The event being handled.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// The same event, for a caller that moves the attempt while it reads the event. Runtimes call this, not
    /// handlers.
    #[doc(hidden)]
    #[must_use]
    pub fn share_event(&self) -> SharedEvent {
        self.event.clone()
    }

    /// What the caller leaves behind while it handles the event, for [`crate::Sequencer::suspect`]. Runtimes
    /// call this, not handlers.
    #[doc(hidden)]
    #[must_use]
    pub fn mark(&self) -> Mark {
        let (consumer, generation) = (self.space.consumer, self.generation);
        Mark { consumer, generation, offset: self.offset, lone_runs: self.lone_runs }
    }

    /// The lines that the handler logged; the caller passes them on after every outcome. Runtimes call this,
    /// not handlers.
    #[doc(hidden)]
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
            self.account.add(entry_bytes(key, value));
            effects.inputs.state.push((key.to_vec().into(), value.map(|value| value.to_vec().into())));
        }
    }

    /// Whether the attempt goes on: its first refusal has ended it.
    fn check_open(&self) -> Result<(), EffectError> {
        self.effects.refusal.as_ref().map_or(Ok(()), |refusal| Err(refusal.clone()))
    }

    /// Charges what is kept from now on.
    fn charge(&mut self, bytes: usize) -> Result<(), EffectError> {
        self.account.charge(bytes).or_else(|error| self.refuse(error))
    }

    /// Charges a key that was read, or written to unread.
    fn charge_key(&mut self, key: &[u8]) -> Result<(), EffectError> {
        self.charge(entry_bytes(key, None))
    }

    fn refuse<T>(&mut self, error: EffectError) -> Result<T, EffectError> {
        let error = account::shortened(error);
        self.effects.refusal.get_or_insert_with(|| error.clone());
        Err(error)
    }

    fn unavailable<T>(&mut self, error: TablesError) -> Result<T, EffectError> {
        let reason = error.to_string();
        self.effects.unread.get_or_insert(error);
        self.refuse(EffectError::Unavailable { reason })
    }

    fn check(&mut self, kind: Limit, actual: usize, limit: usize) -> Result<(), EffectError> {
        if actual <= limit {
            return Ok(());
        }
        self.refuse(EffectError::Limit { kind, actual: actual as u64, limit: limit as u64 })
    }

    fn grow(&mut self, bytes: usize) -> Result<(), EffectError> {
        let total = self.effects.bytes + bytes;
        let limit = self.options.max_transaction_bytes;
        self.check(Limit::Transaction, total + SECTION_BYTES, limit)?;
        self.effects.bytes = total;
        Ok(())
    }

    fn check_key(&mut self, key: &[u8]) -> Result<(), EffectError> {
        self.check_name(Limit::StateKey, key.len(), self.options.max_state_key_bytes)
    }

    /// Part of a key, which may be empty.
    fn check_prefix(&mut self, prefix: &[u8]) -> Result<(), EffectError> {
        self.check(Limit::StateKey, prefix.len(), self.options.max_state_key_bytes)
    }

    fn check_timer_name(&mut self, name: &str) -> Result<(), EffectError> {
        self.check_name(Limit::TimerName, name.len(), self.options.max_timer_name_bytes)
    }

    fn check_name(&mut self, kind: Limit, bytes: usize, limit: usize) -> Result<(), EffectError> {
        if bytes == 0 {
            return self.refuse(EffectError::Empty { kind, limit: limit as u64 });
        }
        self.check(kind, bytes, limit)
    }

    /// Notes a timer as set or cancelled; whether it is one more than before.
    fn touch_timer(&mut self, name: &str, is_set: bool) -> bool {
        let (reader, consumer) = (&self.reader, self.space.consumer);
        self.timers.touch(name, is_set, || reader.has_timer(consumer, name))
    }

    /// The event of an effect, published `delay_ms` after the attempt. A fact names its scopes.
    fn new_event(
        &mut self,
        event: NewEvent,
        delay_ms: u64,
        scopes: Option<String>,
    ) -> Result<Event, EffectError> {
        if !self.spec.may_publish(&event.event_type) || self.is_fact_without_scopes(&event, scopes.as_ref()) {
            return self.refuse(EffectError::UndeclaredType { event_type: event.event_type });
        }
        let index = self.effects.events.len() + self.effects.timers.len();
        self.check(Limit::PublishedEvents, index + 1, self.options.max_published_events)?;
        let author = published::Author { consumer: &self.spec.name, generation: self.generation };
        let origin = published::Origin { event: &self.event, offset: self.offset };
        let built = published::build(author, origin, index, delay_ms, self.time.of(self.now), event, scopes)
            .and_then(|event| published::check_hops(&event, origin, self.options.max_hops).map(|()| event));
        let event = match built {
            Ok(event) => event,
            Err(error) => return self.refuse(error),
        };
        self.check(Limit::Event, event.size(), self.options.max_event_bytes)?;
        self.grow(event.size())?;
        Ok(event)
    }

    fn write(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), EffectError> {
        self.check_key(key)?;
        let before = match self.size_in_state(key) {
            Ok((before, is_new)) => {
                if is_new {
                    self.charge_key(key)?;
                }
                before
            }
            Err(error) => return self.unavailable(error),
        };
        let growth = signed(size_in_state(key, value.map(<[u8]>::len))) - signed(before);
        let total = self.state_bytes.saturating_add_signed(self.effects.state_growth + growth);
        let limit = self.options.max_state_bytes;
        if growth > 0 && total > limit {
            return self.refuse(EffectError::Limit { kind: Limit::State, actual: total, limit });
        }
        // Of several writes to a key only the last one commits.
        if let Some(replaced) = self.effects.writes.remove(key) {
            self.effects.bytes -= write_bytes(key, replaced.as_deref());
            self.account.release(entry_bytes(key, replaced.as_deref()));
        }
        self.grow(write_bytes(key, value))?;
        self.charge(entry_bytes(key, value))?;
        self.effects.writes.insert(key.to_vec(), value.map(<[u8]>::to_vec));
        self.effects.state_growth += growth;
        Ok(())
    }

    /// What a key takes in the state before it is written to, and whether it is kept from now on: a key that
    /// was neither read nor written yet is looked up.
    fn size_in_state(&mut self, key: &[u8]) -> Result<(u64, bool), TablesError> {
        if let Some(value) = self.effects.writes.get(key).or_else(|| self.earlier.get(key)) {
            return Ok((size_in_state(key, value.as_ref().map(Vec::len)), false));
        }
        if let Some(size) = self.effects.reads.size(key) {
            return Ok((size, false));
        }
        let size = size_in_state(key, self.reader.replaced_bytes(self.space, key)?);
        Ok((size, self.effects.reads.note_write(key, size)))
    }
}

/// What one write takes in a section; an estimate on the high side.
fn write_bytes(key: &[u8], value: Option<&[u8]>) -> usize {
    key.len() + value.map_or(0, <[u8]>::len) + 16
}

/// What a key takes in the state: its bytes and its value's; nothing if it has none.
pub(crate) fn size_in_state(key: &[u8], value_bytes: Option<usize>) -> u64 {
    value_bytes.map_or(0, |value_bytes| (key.len() + value_bytes) as u64)
}

/// A size in memory as a part of a sum.
pub(crate) fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
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
