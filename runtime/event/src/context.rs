//! What a handler may do during one attempt: the seam between a handler and the engine.
//!
//! The engine implements it; the plugin host, closures and the simulator's handlers call it. Effects are
//! buffered behind it: nothing is visible to anybody until the attempt's outcome commits.

use thiserror::Error;

use crate::{FailureCause, Generation, Limit, Offset, Timestamp};

/// An event as a handler asks for it; the runtime adds id, source, time and the chain of causes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewEvent {
    /// What happened; must be among the plugin's declared `publishes`.
    pub event_type: String,
    /// The cause's, if absent.
    pub subject: Option<String>,
    /// When it happened, RFC 3339; the attempt's time, if absent.
    pub time: Option<String>,
    /// The cause's ordering key, if absent.
    pub partitionkey: Option<String>,
    /// Media type of `data`.
    pub datacontenttype: Option<String>,
    /// The schema that `data` follows.
    pub dataschema: Option<String>,
    /// Further attributes.
    pub extensions: Vec<(String, String)>,
    /// The data.
    pub data: Vec<u8>,
}

/// How a handler answered, or failed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The event is handled; the effects commit.
    Done,
    /// Try again.
    Retry {
        /// Not before this many milliseconds; by the policy's backoff, if absent.
        after_ms: Option<u64>,
        /// Why, for people.
        reason: String,
    },
    /// Never try again.
    Reject {
        /// Why, for people.
        reason: String,
    },
    /// The handler did not get as far as an answer.
    Failed {
        /// What kind of failure.
        cause: FailureCause,
        /// Message, panic text and backtrace.
        error: String,
    },
}

/// How serious a handler's log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Fine detail.
    Trace,
    /// Detail for authors.
    Debug,
    /// Worth knowing.
    Info,
    /// Unexpected, recovered.
    Warn,
    /// Something is wrong.
    Error,
}

/// Why an effect was refused. Unless it says otherwise, the refusal sticks: whatever the handler answers
/// afterwards, the attempt ends as a reject that names it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EffectError {
    /// The type is not among the plugin's `publishes`.
    #[error("event type \"{event_type}\" is not declared; add it to `publishes` in the plugin's manifest")]
    UndeclaredType {
        /// The type asked for.
        event_type: String,
    },
    /// The new event is not a valid CloudEvent.
    #[error("the new event is not valid: {reason}")]
    InvalidEvent {
        /// What is wrong with it.
        reason: String,
    },
    /// A key or name is empty.
    #[error("{kind} of 0 is not possible: it has 1 to {limit}")]
    Empty {
        /// The limit on its length.
        kind: Limit,
        /// How much is allowed.
        limit: u64,
    },
    /// A limit was reached.
    #[error("{kind} of {actual} exceeds the limit of {limit} ({})", kind.raised_by())]
    Limit {
        /// Which.
        kind: Limit,
        /// How much was asked for.
        actual: u64,
        /// How much is allowed.
        limit: u64,
    },
    /// The chain of causes is too long.
    #[error("the chain of events is longer than {limit} hops ({}): {chain}", Limit::Hops.raised_by())]
    Hops {
        /// `max_hops`.
        limit: u32,
        /// The end of the chain, for people.
        chain: String,
    },
    /// The runtime could not read its tables. The host's fault: the attempt does not count.
    #[error("the runtime could not read its tables: {reason}")]
    Unavailable {
        /// The underlying error.
        reason: String,
    },
}

/// Key and value of one state entry, as a scan returns it.
pub type StateEntry = (Vec<u8>, Vec<u8>);

/// Part of the state, as one step of a scan returns it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatePage {
    /// The entries, in key order; there may be none although more follow.
    pub entries: Vec<StateEntry>,
    /// The key behind which the next page begins; `None` at the end.
    pub after: Option<Vec<u8>>,
}

/// One attempt's view of the world. Every method is synchronous and may be called in any order.
///
/// An attempt ends at its first refusal: from then on every method that can fail returns that refusal again.
pub trait AttemptContext {
    /// The attempt's number, from 1.
    fn attempt(&self) -> u32;
    /// The offset of the event being handled.
    fn offset(&self) -> Offset;
    /// The attempt's time: the only clock a handler has.
    fn now(&self) -> Timestamp;
    /// The consumer's name.
    fn consumer(&self) -> &str;
    /// The consumer's generation.
    fn generation(&self) -> Generation;
    /// How many events lie between this one and the one a producer published.
    fn hops(&self) -> u32;
    /// Fills `buffer` from the generator seeded by consumer, generation and offset.
    fn random(&mut self, buffer: &mut [u8]);
    /// A setting of the plugin's `[config]`.
    fn config(&self, key: &str) -> Option<&str>;
    /// Reads a state value; sees the attempt's own writes.
    ///
    /// # Errors
    /// A key that is empty or over its limit, or tables that cannot be read.
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, EffectError>;
    /// Writes a state value.
    ///
    /// # Errors
    /// An empty key; a key, value or transaction over its limit.
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), EffectError>;
    /// Deletes a state value; deleting an absent key is no error.
    ///
    /// # Errors
    /// An empty key; a key or transaction over its limit.
    fn delete(&mut self, key: &[u8]) -> Result<(), EffectError>;
    /// The next entries whose keys begin with `prefix` and follow `after`, in key order: at most `max`, fewer where
    /// they are large. How long it takes is bounded; with `max` 0 only the prefix is checked.
    ///
    /// # Errors
    /// A prefix over the limit of keys, or tables that cannot be read.
    fn scan_page(
        &mut self,
        prefix: &[u8],
        after: Option<&[u8]>,
        max: usize,
    ) -> Result<StatePage, EffectError>;
    /// The first page of [`AttemptContext::scan_page`] that has an entry. Only an empty list is the end.
    ///
    /// # Errors
    /// As [`AttemptContext::scan_page`].
    fn scan(
        &mut self,
        prefix: &[u8],
        after: Option<&[u8]>,
        max: usize,
    ) -> Result<Vec<StateEntry>, EffectError> {
        let mut page = self.scan_page(prefix, after, max)?;
        while page.entries.is_empty()
            && let Some(after) = page.after.take()
        {
            page = self.scan_page(prefix, Some(&after), max)?;
        }
        Ok(page.entries)
    }
    /// Publishes an event when the attempt commits.
    ///
    /// # Errors
    /// An undeclared type, an invalid event, a limit, too long a chain.
    fn publish(&mut self, event: NewEvent) -> Result<(), EffectError>;
    /// Sets the timer `name` to publish `event` at `at`, in place of an earlier one of that name.
    ///
    /// # Errors
    /// As [`AttemptContext::publish`]; an empty name, or one over its limit; too many timers.
    fn schedule(&mut self, name: &str, event: NewEvent, at: Timestamp) -> Result<(), EffectError>;
    /// Cancels the timer `name`, if it is set.
    ///
    /// # Errors
    /// An empty name; a name or transaction over its limit.
    fn cancel(&mut self, name: &str) -> Result<(), EffectError>;
    /// A line for the plugin's log.
    fn log(&mut self, level: LogLevel, message: &str, fields: &[(String, String)]);
    /// The first refusal: the attempt has ended with it, and nothing but a log line is of use any more.
    fn refusal(&self) -> Option<&EffectError> {
        None
    }
    /// Bytes that the runtime keeps for the attempt. They count to the memory of the instance that runs it.
    fn kept_bytes(&self) -> usize {
        0
    }
    /// Tells the attempt what its instance uses besides, and how much both may come to (`limits.memory`).
    fn set_instance_memory(&mut self, used_bytes: usize, limit_bytes: usize) {
        let _ = (used_bytes, limit_bytes);
    }
}
