//! `camshaft:plugin/publisher`: events and timers of the attempt.

use camshaft_event::{AttemptContext, NewEvent, Timestamp};

use super::{
    bindings::camshaft::plugin0_1_0::publisher::{Error, Host, NewEvent as GuestEvent},
    refused,
};
use crate::instance::Session;

impl<C: AttemptContext + Send + 'static> Host for Session<C> {
    fn publish(&mut self, event: GuestEvent) -> wasmtime::Result<Result<(), Error>> {
        let outcome = self.context()?.publish(new_event(event));
        refused::publishing(outcome)
    }

    fn schedule(
        &mut self,
        name: String,
        event: GuestEvent,
        at_ms: u64,
    ) -> wasmtime::Result<Result<(), Error>> {
        let outcome = self.context()?.schedule(&name, new_event(event), Timestamp(at_ms));
        refused::publishing(outcome)
    }

    fn cancel(&mut self, name: String) -> wasmtime::Result<Result<(), Error>> {
        let outcome = self.context()?.cancel(&name);
        refused::publishing(outcome)
    }
}

/// The event of a guest as the attempt takes it.
pub fn new_event(event: GuestEvent) -> NewEvent {
    NewEvent {
        event_type: event.event_type,
        subject: event.subject,
        time: event.time,
        partitionkey: event.partitionkey,
        datacontenttype: event.datacontenttype,
        dataschema: event.dataschema,
        extensions: event.extensions,
        data: event.data,
    }
}
