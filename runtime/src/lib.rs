//! Camshaft: an event runtime whose handlers are WebAssembly components.
//!
//! [`Runtime`] is the in-process event bus: publish events, read them back, look at plugins, consumers, dead
//! letters and state. The HTTP interface ([`api`]) and the command line ([`cli`]) are made of nothing else.

pub mod api;
pub mod cli;
mod compose;
mod config;
mod error;
mod error_code;
mod runtime;
mod sandbox;
mod text;
pub mod verify;
pub mod view;

pub use camshaft_engine::Attempt;
pub use camshaft_event::{AttemptContext, Delivery, Event, Offset, Sink, cloudevents};
pub use camshaft_host::{CompileOrder, CompilerProgram, Refusal, compile_from_stdin};
#[cfg(feature = "test-outbox")]
pub use camshaft_host::{Outbox, Sent};
#[cfg(feature = "test-clock")]
pub use compose::WallClock;
pub use config::{Config, ConfigError, Durability, Retention, RuntimeLimits, Token};
pub(crate) use error::io_reason;
pub use error::{
    ConsumerError, DeadLetterError, NotNow, OpenError, PublishError, ReadError, RedriveError, StateError,
    VersionError,
};
pub use error_code::{ErrorCode, ExitCode};
pub use runtime::{Failure, Runtime, SubscribeError, Subscription};
