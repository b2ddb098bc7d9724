//! The component side: the contract's export `handle`, and its imports as a [`Host`].
//!
//! Compiled only for WebAssembly. The generated bindings are private to this module.

use std::{sync::Once, time::Duration};

use crate::{
    context::Context,
    error::{Disposition, Error, Result},
    event::{Bytes, Event},
    handler,
    host::{self, Host, NewEvent, Pages, Pair},
    output,
};

#[cfg(feature = "http")]
pub(crate) mod http;

mod bindings {
    #![expect(unsafe_code, reason = "generated: the canonical ABI is raw memory")]
    #![allow(missing_docs, clippy::all, unused_qualifications, reason = "generated, and private")]

    wit_bindgen::generate!({ path: "../wit/v0.1", world: "handler" });
    export!(Component with_types_in self);

    pub(super) struct Component;
}

use bindings::{
    Component, Guest,
    camshaft::plugin::{
        config, context,
        logging::{self, Level},
        publisher, state,
        types::{self, Failure},
    },
};

/// Number of keys and values that a scan fetches per call.
const PAGE: u32 = 256;

impl Guest for Component {
    fn handle(event: types::Event) -> std::result::Result<(), Failure> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| std::panic::set_hook(Box::new(|panic| last_words(&panic.to_string()))));
        output::begin();
        let mut context = Context { host: Box::new(Imports) };
        let outcome = handler::dispatch(from_wit(event), &mut context).map_err(failure);
        log_output();
        outcome
    }
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

/// The imports of this component.
struct Imports;

impl Host for Imports {
    fn state_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        state::get(key).map_err(|error| state_error(key, error))
    }

    fn state_set(&self, key: &[u8], value: &[u8]) -> Result {
        state::set(key, value).map_err(|error| state_error(key, error))
    }

    fn state_delete(&self, key: &[u8]) -> Result {
        state::delete(key).map_err(|error| state_error(key, error))
    }

    fn state_scan<'h>(&'h self, prefix: &[u8]) -> Result<Box<dyn Pages + 'h>> {
        let cursor = state::scan(prefix).map_err(|error| state_error(prefix, error))?;
        Ok(Box::new(cursor))
    }

    fn publish(&self, event: NewEvent) -> Result {
        publisher::publish(&to_wit(event)).map_err(publisher_error)
    }

    fn schedule(&self, timer: &str, event: NewEvent, at_ms: u64) -> Result {
        publisher::schedule(timer, &to_wit(event), at_ms).map_err(publisher_error)
    }

    fn cancel(&self, timer: &str) -> Result {
        publisher::cancel(timer).map_err(publisher_error)
    }

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

impl Pages for state::Cursor {
    fn next_page(&mut self) -> Result<Vec<Pair>> {
        state::Cursor::next_page(self, PAGE).map_err(|error| state_error(&[], error))
    }
}

fn to_wit(event: NewEvent) -> publisher::NewEvent {
    publisher::NewEvent {
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

fn state_error(key: &[u8], error: state::Error) -> Error {
    let key = String::from_utf8_lossy(key);
    match error {
        state::Error::InvalidKey(limit) => {
            Error::reject(format_args!("state key `{key}` is empty or longer than {limit} bytes"))
        }
        state::Error::ValueTooLarge(limit) => {
            Error::reject(format_args!("state value of `{key}` is larger than {limit} bytes"))
        }
        state::Error::AttemptTooLarge(limit) => too_large(limit),
        state::Error::Other(reason) => Error::retry(reason),
    }
}

fn publisher_error(error: publisher::Error) -> Error {
    use publisher::Error as Refused;
    match error {
        Refused::UndeclaredType(event_type) => Error::reject(handler::undeclared(&event_type)),
        Refused::InvalidEvent(reason) => Error::reject(reason),
        Refused::EventTooLarge(limit) => {
            Error::reject(format_args!("the event is larger than {limit} bytes"))
        }
        Refused::TooManyTimers(limit) => {
            Error::reject(format_args!("the plugin already has {limit} timers, the maximum"))
        }
        Refused::AttemptTooLarge(limit) => too_large(limit),
        Refused::InvalidTimerName(limit) => {
            Error::reject(format_args!("the timer name is empty or longer than {limit} bytes"))
        }
        Refused::Other(reason) => Error::retry(reason),
    }
}

fn too_large(limit: u32) -> Error {
    Error::reject(format_args!("the effects of this attempt together exceed {limit} bytes"))
}
