//! What a [`Context`](crate::Context) stands on: the five imports of the contract as one trait.
//!
//! Implemented twice: by the component's imports (`guest.rs`), and in memory for tests (`testing.rs`).

use crate::error::Result;

/// A key of the state with its value.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

/// The imports of the contract; see `wit/` for what each of them promises.
pub(crate) trait Host {
    fn state_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;
    fn state_set(&self, key: &[u8], value: &[u8]) -> Result;
    fn state_delete(&self, key: &[u8]) -> Result;
    fn state_scan<'h>(&'h self, prefix: &[u8]) -> Result<Box<dyn Pages + 'h>>;

    fn publish(&self, event: NewEvent) -> Result;
    fn schedule(&self, timer: &str, event: NewEvent, at_ms: u64) -> Result;
    fn cancel(&self, timer: &str) -> Result;

    fn config(&self, key: &str) -> Option<String>;
    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]);

    #[cfg(all(feature = "http", not(target_family = "wasm")))]
    fn send(&self, request: &crate::http::Request) -> Result<crate::http::Response>;

    fn attempt(&self) -> u32;
    fn offset(&self) -> u64;
    fn generation(&self) -> u32;
    fn consumer(&self) -> String;
    fn now_ms(&self) -> u64;
    fn random(&self, length: u32) -> Vec<u8>;
}

/// A scan under way. An empty page is its end.
pub(crate) trait Pages {
    fn next_page(&mut self) -> Result<Vec<Pair>>;
}

/// An event to be published, its data encoded. Absent attributes are the cause's.
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

/// How much a line of the plugin's log matters, ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Single steps of one attempt.
    Trace,
    /// What helps to find a mistake.
    Debug,
    /// A change worth knowing later.
    Info,
    /// Not expected, and dealt with.
    Warn,
    /// Something is broken and somebody should look.
    Error,
}
