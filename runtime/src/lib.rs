//! Camshaft as a library: an event runtime whose handlers are WebAssembly components or closures.
//!
//! [`Runtime`] is the in-process event bus: publish events, read them back, look at plugins, consumers, dead
//! letters and state. The HTTP interface and the command line are packages of their own, made of nothing else.

mod bus;
mod compose;
mod config;
mod error;
pub mod verify;

pub use bus::follow::Stretch;
pub use bus::plugins::{PluginFile, spec as consumer_spec};
pub use bus::{Failure, Runtime, SubscribeError, Subscription};
pub use camshaft_engine::Attempt;
pub use camshaft_event::{
    AfterDeadLetter, AttemptContext, Backoff, Breaker, Delivery, Event, Filter, InstanceReuse, Limits,
    NewEvent, Offset, Policy, Rate, Sink, Start, Timestamp, TypePattern, cloudevents,
};
pub use camshaft_host::{CompileOrder, CompilerProgram, Refusal, RefusalCode, compile_from_stdin};
#[cfg(feature = "test-outbox")]
pub use camshaft_host::{Outbox, Sent};
pub use camshaft_wire as view;
pub use camshaft_wire::{ErrorCode, ExitCode};
#[cfg(feature = "test-clock")]
pub use compose::WallClock;
pub use config::{
    Config, ConfigError, Durability, Retention, RuntimeLimits, Token, duration as parse_duration,
};
pub use error::{
    ConsumerError, DeadLetterError, DeployError, EventError, HeldError, LoadError, OpenError, PublishError,
    ReadError, RedriveError, StateError, Unavailable, VersionError, io_reason,
};
