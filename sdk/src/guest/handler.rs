//! The world `handler`: the contract's export `handle`, and the imports that only handlers have.

use super::{Imports, begin, failure, from_wit, log_output, to_wit};
use crate::{
    context::Context,
    error::{Error, Result},
    handler,
    host::{Host, NewEvent, Pages, Pair},
};

#[doc(hidden)]
pub mod bindings {
    #![allow(missing_docs, clippy::all, unused_qualifications, reason = "generated")]

    wit_bindgen::generate!({
        path: "../wit/v0.1",
        world: "handler",
        pub_export_macro: true,
        export_macro_name: "export_handler",
    });

    /// The implementation of the world.
    pub struct Component;
}

use bindings::{
    Component, Guest,
    camshaft::plugin::{
        publisher, state,
        types::{self, Failure},
    },
};

/// Number of keys and values that a scan fetches per call.
const PAGE: u32 = 256;

impl Guest for Component {
    fn handle(event: types::Event) -> std::result::Result<(), Failure> {
        begin();
        let mut context = Context { host: Box::new(Imports) };
        let outcome = handler::dispatch(from_wit(event), &mut context).map_err(failure);
        log_output();
        outcome
    }
}

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
}

impl Pages for state::Cursor {
    fn next_page(&mut self) -> Result<Vec<Pair>> {
        state::Cursor::next_page(self, PAGE).map_err(|error| state_error(&[], error))
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
