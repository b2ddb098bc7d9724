//! The component side: the exports of the contract's worlds, and their imports as [`Runtime`].
//!
//! Compiled only for WebAssembly. A crate exports one world only: the attribute macros place the exports of
//! theirs in the author's crate, and the linker drops the code of the other one. The generated bindings are
//! public for those macros alone.

use std::{sync::Once, time::Duration};

use crate::{
    error::{Disposition, Error},
    event::{Bytes, Event},
    host::{self, Runtime},
    output,
};

pub mod aggregate;
pub mod handler;
#[cfg(feature = "http")]
pub(crate) mod http;

use handler::bindings::camshaft::plugin::{
    config, context,
    logging::{self, Level},
    types::{self, Failure},
};

/// The imports of this component.
struct Imports;

/// Prepares the instance for a call: panics and printed output go to the plugin's log.
fn begin() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| std::panic::set_hook(Box::new(|panic| last_words(&panic.to_string()))));
    output::begin();
}

/// Writes the captured output to the plugin's log, in order with the other log lines.
fn log_output() {
    for line in String::from_utf8_lossy(&output::take()).lines() {
        logging::log(Level::Info, line, &[]);
    }
}

/// Sends a panic message to the runtime before the guest traps.
fn last_words(message: &str) {
    log_output();
    logging::log(Level::Critical, message, &[]);
}

fn failure(error: Error) -> Failure {
    let reason = error.reason().to_owned();
    match error.disposition() {
        Disposition::Reject => Failure::Reject(reason),
        Disposition::Retry { after } => Failure::Retry(types::Retry { after_ms: after.map(millis), reason }),
    }
}

/// Rounds up, so that a delay above zero never becomes zero.
fn millis(delay: Duration) -> u64 {
    u64::try_from(delay.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

fn from_wit(event: types::Event) -> Event<Bytes> {
    Event {
        id: event.id,
        source: event.source,
        event_type: event.event_type,
        subject: event.subject,
        time: event.time,
        datacontenttype: event.datacontenttype,
        dataschema: event.dataschema,
        partitionkey: event.partitionkey,
        extensions: event.extensions,
        data: Bytes(event.data),
    }
}

fn to_wit(event: host::NewEvent) -> handler::bindings::camshaft::plugin::publisher::NewEvent {
    handler::bindings::camshaft::plugin::publisher::NewEvent {
        event_type: event.event_type,
        subject: event.subject,
        time: event.time,
        datacontenttype: event.datacontenttype,
        dataschema: event.dataschema,
        partitionkey: event.partitionkey,
        extensions: event.extensions,
        data: event.data,
    }
}

impl Runtime for Imports {
    fn config(&self, key: &str) -> Option<String> {
        config::get(key)
    }

    fn log(&self, level: host::Level, message: &str, fields: &[(&str, &str)]) {
        log_output();
        let level = match level {
            host::Level::Trace => Level::Trace,
            host::Level::Debug => Level::Debug,
            host::Level::Info => Level::Info,
            host::Level::Warn => Level::Warn,
            host::Level::Error => Level::Error,
        };
        let fields: Vec<(String, String)> =
            fields.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        logging::log(level, message, &fields);
    }

    fn attempt(&self) -> u32 {
        context::attempt()
    }

    fn offset(&self) -> u64 {
        context::offset()
    }

    fn generation(&self) -> u32 {
        context::generation()
    }

    fn consumer(&self) -> String {
        context::consumer()
    }

    fn now_ms(&self) -> u64 {
        context::now_ms()
    }

    fn random(&self, length: u32) -> Vec<u8> {
        context::random(length)
    }
}
