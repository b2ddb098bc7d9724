//! The imports of the contract as traits, which [`Context`](crate::Context) and [`Decide`](crate::Decide)
//! call.
//!
//! They have two implementations: the component's imports (`guest.rs`), and an in-memory host for tests
//! (`testing.rs`).

use crate::{error::Result, scope::Scope};

/// A state key with its value.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

/// The imports of every world. `wit/` documents each of them.
pub(crate) trait Runtime {
    fn config(&self, key: &str) -> Option<String>;
    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]);

    fn attempt(&self) -> u32;
    fn offset(&self) -> u64;
    fn generation(&self) -> u32;
    fn consumer(&self) -> String;
    fn now_ms(&self) -> u64;
    fn random(&self, length: u32) -> Vec<u8>;
}

/// The imports of the world `handler`.
pub(crate) trait Host: Runtime {
    fn state_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;
    fn state_set(&self, key: &[u8], value: &[u8]) -> Result;
    fn state_delete(&self, key: &[u8]) -> Result;
    fn state_scan<'h>(&'h self, prefix: &[u8]) -> Result<Box<dyn Pages + 'h>>;

    fn publish(&self, event: NewEvent) -> Result;
    fn schedule(&self, timer: &str, event: NewEvent, at_ms: u64) -> Result;
    fn cancel(&self, timer: &str) -> Result;

    #[cfg(all(feature = "http", not(target_family = "wasm")))]
    fn send(&self, request: &crate::http::Request) -> Result<crate::http::Response>;
}

/// The imports of the world `aggregate`.
pub(crate) trait Scopes: Runtime {
    fn load(&self, scope: &Scope) -> Result<Option<Vec<u8>>>;
}

/// A scan in progress. An empty page marks its end.
pub(crate) trait Pages {
    fn next_page(&mut self) -> Result<Vec<Pair>>;
}

/// An event to be published, with encoded data. Absent attributes are inherited from the cause.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewEvent {
    pub event_type: String,
    pub subject: Option<String>,
    pub time: Option<String>,
    pub datacontenttype: Option<String>,
    pub dataschema: Option<String>,
    pub partitionkey: Option<String>,
    pub extensions: Vec<(String, String)>,
    pub data: Vec<u8>,
}

/// A fact to be recorded, with the scopes that it is about.
#[derive(Clone, Debug)]
pub(crate) struct NewFact {
    pub event: NewEvent,
    pub about: Vec<Scope>,
}

/// The severity of a line in the plugin's log, ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Single steps of one attempt.
    Trace,
    /// Details that help to find a mistake.
    Debug,
    /// A change worth knowing later.
    Info,
    /// An unexpected condition that the plugin handled.
    Warn,
    /// Something is broken and needs attention.
    Error,
}
