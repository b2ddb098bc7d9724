//! The interface between a handler and the engine during one attempt.
//!
//! The engine implements it. The plugin host, closures and the simulator's handlers call it. The engine
//! buffers the effects: nothing is visible outside the attempt until its outcome commits.

use thiserror::Error;

use crate::{Event, FailureCause, Generation, Limit, Offset, Refusal, Scope, Timestamp};

/// An event that a handler publishes. The runtime adds id, source, time and the chain of causes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewEvent {
    /// The event type; must be listed in the plugin's `publishes`.
    pub event_type: String,
    /// The subject; defaults to the subject of the handled event.
    pub subject: Option<String>,
    /// When it happened, as an RFC 3339 time; defaults to the attempt's time.
    pub time: Option<String>,
    /// The ordering key; defaults to the ordering key of the handled event.
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

/// A fact that a decision records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewFact {
    /// The event. Its type must be listed in the plugin's `records`. Subject and ordering key follow from the
    /// first scope.
    pub event: NewEvent,
    /// The scopes that the fact is about: at least one, each once.
    pub about: Vec<Scope>,
}

/// A scope that facts were recorded about, with everything that its new fold depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TouchedScope {
    /// The scope.
    pub scope: Scope,
    /// The fold before; `None` if the scope had no facts.
    pub fold: Option<Vec<u8>>,
    /// The facts that the decision records about it, in order.
    pub facts: Vec<Event>,
}

/// The result of a handler's call: its answer, or its failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The event is handled; the effects commit.
    Done,
    /// Try again.
    Retry {
        /// The minimum delay in milliseconds; defaults to the policy's backoff.
        after_ms: Option<u64>,
        /// The reason, for people.
        reason: String,
    },
    /// Never try again.
    Reject {
        /// The reason, for people.
        reason: String,
    },
    /// The handler failed before it answered.
    Failed {
        /// The kind of failure.
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
    /// Unexpected, but recovered.
    Warn,
    /// Something is wrong.
    Error,
}

/// Why an effect was refused. Unless a variant says otherwise, the attempt then ends as a reject with this
/// error, regardless of the handler's answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EffectError {
    /// The type is not among the plugin's `publishes`.
    #[error("event type \"{event_type}\" is not declared; add it to `publishes` in the plugin's manifest")]
    UndeclaredType {
        /// The undeclared type.
        event_type: String,
    },
    /// The new event is not a valid CloudEvent.
    #[error("the new event is not valid: {reason}")]
    InvalidEvent {
        /// The reason.
        reason: String,
    },
    /// A key or name is empty.
    #[error("{kind} is 0; 1 to {limit} are allowed")]
    Empty {
        /// The limit on its length.
        kind: Limit,
        /// The largest allowed length.
        limit: u64,
    },
    /// A limit was exceeded.
    #[error("{kind}: {actual} exceeds the limit of {limit} ({})", kind.raised_by())]
    Limit {
        /// The limit.
        kind: Limit,
        /// The requested amount.
        actual: u64,
        /// The largest allowed amount.
        limit: u64,
    },
    /// The chain of events is too long.
    #[error("the chain of events is longer than {limit} hops ({}): {chain}", Limit::Hops.raised_by())]
    Hops {
        /// `max_hops`.
        limit: u32,
        /// The end of the chain, for people.
        chain: String,
    },
    /// The consumer does not own command types, so it has no scopes and cannot answer.
    #[error("only the owner of a command type has scopes, facts and answers, and this consumer owns none")]
    NoCommand,
    /// The scopes of a fact are not valid.
    #[error("the scopes of fact \"{event_type}\" are not valid: {reason}")]
    InvalidFact {
        /// The type of the fact.
        event_type: String,
        /// The reason.
        reason: String,
    },
    /// The fold of a scope was made by code of another revision. It has to be made again from the facts: the
    /// attempt does not count.
    #[error("the fold of scope \"{scope}\" was made by code of another revision")]
    StaleFold {
        /// The scope.
        scope: Scope,
    },
    /// The runtime could not read its tables. This is the host's fault: the attempt does not count.
    #[error("the runtime could not read its tables: {reason}")]
    Unavailable {
        /// The underlying error.
        reason: String,
    },
}

/// Key and value of one state entry, as a scan returns it.
pub type StateEntry = (Vec<u8>, Vec<u8>);

/// One page of a scan of the state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatePage {
    /// The entries, in key order. The list may be empty although more entries follow.
    pub entries: Vec<StateEntry>,
    /// The key after which the next page begins; `None` at the end.
    pub after: Option<Vec<u8>>,
}

/// The inputs and effects of one attempt. Every method is synchronous, and the order of calls is free.
///
/// An attempt ends at its first refused effect: from then on every method that can fail returns the same
/// error.
pub trait AttemptContext {
    /// The attempt's number, from 1.
    fn attempt(&self) -> u32;
    /// The offset of the event being handled.
    fn offset(&self) -> Offset;
    /// The attempt's time, which is the only clock of a handler.
    fn now(&self) -> Timestamp;
    /// The consumer's name.
    fn consumer(&self) -> &str;
    /// The consumer's generation.
    fn generation(&self) -> Generation;
    /// The number of hops to this event; 0 for a producer's event and for the event of a timer that was set
    /// for a time a second or more ahead.
    fn hops(&self) -> u32;
    /// Fills `buffer` with random bytes from a generator seeded with consumer, generation and offset.
    fn random(&mut self, buffer: &mut [u8]);
    /// The value of `key` in the plugin's `[config]`.
    fn config(&self, key: &str) -> Option<&str>;
    /// Reads a state value, including the attempt's own writes.
    ///
    /// # Errors
    /// A key that is empty or over its limit, or tables that cannot be read.
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, EffectError>;
    /// Writes a state value.
    ///
    /// # Errors
    /// An empty key; a key, value or transaction over its limit.
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), EffectError>;
    /// Deletes a state value. Deleting an absent key is not an error.
    ///
    /// # Errors
    /// An empty key; a key or transaction over its limit.
    fn delete(&mut self, key: &[u8]) -> Result<(), EffectError>;
    /// Returns the next entries whose keys begin with `prefix` and follow `after`, in key order. The page has
    /// at most `max` entries, fewer if they are large. The duration is bounded. If `max` is 0, only the
    /// prefix is validated.
    ///
    /// # Errors
    /// A prefix over the limit for keys, or tables that cannot be read.
    fn scan_page(
        &mut self,
        prefix: &[u8],
        after: Option<&[u8]>,
        max: usize,
    ) -> Result<StatePage, EffectError>;
    /// Returns the first page of [`AttemptContext::scan_page`] that has an entry. An empty list is the end.
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
    /// An undeclared type, an invalid event, an exceeded limit, or a chain of events that is too long.
    fn publish(&mut self, event: NewEvent) -> Result<(), EffectError>;
    /// Sets the timer `name` to publish `event` at `at`. It replaces an earlier timer of that name. A time
    /// one second or more after the attempt's makes the event begin at hop 0.
    ///
    /// # Errors
    /// As [`AttemptContext::publish`]; an empty name, or one over its limit; too many timers.
    fn schedule(&mut self, name: &str, event: NewEvent, at: Timestamp) -> Result<(), EffectError>;
    /// Cancels the timer `name`, if it is set.
    ///
    /// # Errors
    /// An empty name; a name or transaction over its limit.
    fn cancel(&mut self, name: &str) -> Result<(), EffectError>;
    /// Answers the command that is handled: `Ok` accepts it with a reply to its sender, `Err` refuses it. If
    /// the attempt succeeds, the answer commits with it; a later answer replaces an earlier one. A refused
    /// command has no effects. A consumer that answers nothing accepts with an empty reply.
    ///
    /// # Errors
    /// The consumer does not own commands, or the answer is larger than `limits.max_answer_bytes`.
    fn answer(&mut self, answer: Result<Vec<u8>, Refusal>) -> Result<(), EffectError> {
        let _ = answer;
        Err(EffectError::NoCommand)
    }
    /// Reads the fold of a scope, including the attempt's own; `None` if the scope has no facts.
    ///
    /// # Errors
    /// The consumer does not own commands; a scope over its limits; a fold of another revision; tables that
    /// cannot be read.
    fn load(&mut self, scope: &Scope) -> Result<Option<Vec<u8>>, EffectError> {
        let _ = scope;
        Err(EffectError::NoCommand)
    }
    /// Records a fact when the attempt commits. Until then each of its scopes needs a new fold, which
    /// [`AttemptContext::fold_facts`] makes.
    ///
    /// # Errors
    /// As [`AttemptContext::publish`] and [`AttemptContext::load`]; a fact about no scope, about one twice,
    /// or with a subject or key of its own.
    fn record(&mut self, fact: NewFact) -> Result<(), EffectError> {
        let _ = fact;
        Err(EffectError::NoCommand)
    }
    /// The scopes that wait for a new fold, in the order of their names.
    fn touched_scopes(&mut self) -> Vec<TouchedScope> {
        Vec::new()
    }
    /// Sets the fold of a scope that waits for one.
    ///
    /// # Errors
    /// A fold over its limit.
    fn set_fold(&mut self, scope: &Scope, fold: Vec<u8>) -> Result<(), EffectError> {
        let _ = (scope, fold);
        Err(EffectError::NoCommand)
    }
    /// Makes the new folds of all scopes that facts were recorded about. The plugin host calls it after a
    /// decision, and closures call it themselves. `evolve` returns the fold of a scope after the facts, or
    /// the failure that the attempt then has.
    ///
    /// # Errors
    /// The failure of `evolve`, or that of a refused fold.
    fn fold_facts(
        &mut self,
        evolve: &mut dyn FnMut(&TouchedScope) -> Result<Vec<u8>, Answer>,
    ) -> Result<(), Answer> {
        for touched in self.touched_scopes() {
            let fold = evolve(&touched)?;
            if let Err(error) = self.set_fold(&touched.scope, fold) {
                return Err(Answer::Reject { reason: error.to_string() });
            }
        }
        Ok(())
    }
    /// Writes a line to the plugin's log.
    fn log(&mut self, level: LogLevel, message: &str, fields: &[(String, String)]);
    /// The first refused effect. The attempt has ended with it, and only log lines still have an effect.
    fn refusal(&self) -> Option<&EffectError> {
        None
    }
    /// Bytes that the runtime keeps for the attempt. They count towards the memory limit of its instance.
    fn kept_bytes(&self) -> usize {
        0
    }
    /// Sets the memory that the instance itself uses, and the limit for instance and attempt together
    /// (`limits.memory`).
    fn set_instance_memory(&mut self, used_bytes: usize, limit_bytes: usize) {
        let _ = (used_bytes, limit_bytes);
    }
}
