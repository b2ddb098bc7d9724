//! The nouns of Camshaft: event, offset, key, policy, outcome, transaction, and their codecs.
//!
//! Every other crate uses these types. This crate has no I/O, no clock, no threads and no wasmtime.

pub mod cloudevents;
mod command;
mod context;
mod dead_letter;
mod event;
pub mod filter;
mod held;
mod ids;
mod key;
mod limit;
mod pattern;
mod policy;
mod refusal_code;
pub mod reserved;
pub mod rfc3339;
mod role;
mod scope;
pub mod transaction;
mod url;

pub use command::{
    CommandChange, CommandOutcome, EXPECT, InvalidExpectation, InvalidExpiry, Refusal, expectations, expiry,
};
pub use context::{
    Answer, AttemptContext, EffectError, LogLevel, NewEvent, NewFact, StateEntry, StatePage, TouchedScope,
};
pub use dead_letter::{AttemptHistory, AttemptInputs, DeadLetter, FailedAttempt, FailureCause};
pub use event::{Event, EventHash};
pub use filter::Filter;
pub use held::HeldEvent;
pub use ids::{ActivationId, ConsumerId, Generation, Offset, RedriveId, Sequence, Timestamp};
pub use key::Key;
pub use limit::{Limit, RaisedBy};
pub use pattern::{PatternError, TypePattern};
pub use policy::{
    AfterDeadLetter, Backoff, Breaker, Delivery, InstanceReuse, Limits, Policy, Rate, Sink, Start,
    Subscription,
};
pub use refusal_code::RefusalCode;
pub use role::Role;
pub use scope::{InvalidScope, Scope, ScopeFacts, ScopeVersion, StoredScope};
pub use transaction::Transaction;
pub use url::without_users;
