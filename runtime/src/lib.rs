//! Camshaft as a library: an event runtime whose handlers are WebAssembly components or closures.
//!
//! [`Runtime`] is the in-process event bus: it publishes events, reads them back, and shows plugins,
//! consumers, dead letters and state. The HTTP interface and the command line are separate packages that use
//! only this API.
//!
//! # Examples
//!
//! The folder `runtime/examples` has one program per use. Each checks what it shows. Run one with
//! `cargo run --package camshaft --example NAME`.
//!
//! | example | content |
//! |---|---|
//! | `publish_subscribe` | publish an event, and handle it with a closure that publishes another event |
//! | `exactly_once` | a duplicate and a failed attempt: the event counts once |
//! | `commands` | commands with one durable answer each, accepted, refused or repeated |
//! | `aggregates` | decisions that record facts about a scope, its versions, and an earlier fold |
//! | `dead_letters` | a rejected event, and its redrive after the handler is fixed |
//! | `durable_restart` | log, state and checkpoint after a restart |
//! | `read_the_log` | read from an offset or a cursor, and follow the log |
//! | `async_sink` | calls to an outside system with delivery at least once, and an idempotency key |
//! | `load_a_plugin` | a WebAssembly plugin in an embedding program |

mod bus;
mod compose;
mod config;
mod error;
pub mod verify;

pub use bus::follow::Stretch;
pub use bus::plugins::PluginFile;
#[doc(hidden)]
pub use bus::plugins::spec as consumer_spec;
pub use bus::{Failure, Runtime, ScopeAt, SubscribeError, Subscription};
pub use camshaft_engine::Attempt;
pub use camshaft_event::transaction::{Handled, Outcome};
pub use camshaft_event::{
    ActivationId, AfterDeadLetter, AttemptContext, Backoff, Breaker, ConsumerId, Delivery, EffectError,
    Event, EventHash, FailureCause, Filter, Generation, InstanceReuse, InvalidExpiry, InvalidScope, Limit,
    Limits, LogLevel, NewEvent, NewFact, Offset, PatternError, Policy, RaisedBy, Rate, RedriveId,
    Refusal as CommandRefusal, Scope, ScopeVersion, Sequence, Sink, Start, StateEntry, StatePage, Timestamp,
    TouchedScope, TypePattern, cloudevents,
};
pub use camshaft_host::{CompileOrder, CompilerProgram, Refusal, RefusalCode, compile_from_stdin};
#[cfg(feature = "test-outbox")]
pub use camshaft_host::{Outbox, Sent};
pub use camshaft_wire as view;
pub use camshaft_wire::{ErrorCode, ExitCode};
#[cfg(feature = "test-clock")]
pub use compose::WallClock;
pub use config::{
    Config, ConfigError, Durability, Place as SettingPlace, Retention, RuntimeLimits, Token,
    duration as parse_duration,
};
pub use error::{
    CommandError, ConsumerError, DeadLetterError, DeployError, EventError, HeldError, LoadError, OpenError,
    PublishError, ReadError, RedriveError, ScopeError, StateError, Unavailable, VersionError, io_reason,
};
pub use futures_util::future::BoxFuture;
// Public fields in `view` have types of this package.
pub use serde_json;
