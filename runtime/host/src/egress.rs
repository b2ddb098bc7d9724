//! Ways out: what a plugin gets only if its manifest asks for it and its operator grants it. Who has one is a
//! sink.
//!
//! The loader asks here which capabilities exist and links those that were granted; nothing else of a plugin
//! reaches anything outside, and nothing leaves while no event is being handled, see `closed`. A way out
//! waits, so its functions are asynchronous and its instances are called by
//! [`Instance::call_async`](crate::Instance::call_async).

mod access;
mod address;
mod budget;
mod closed;
mod connection;
mod denied;
mod failed;
mod http;
#[cfg(feature = "test-outbox")]
mod outbox;
mod pieces;
mod placeholder;
mod request_head;

use std::collections::BTreeSet;

use camshaft_event::AttemptContext;
use wasmtime::component::Linker;

use crate::{Manifest, instance::Session};
pub use access::Access;
pub use http::{CAPABILITY as HTTP, Http, Responder};
#[cfg(feature = "test-outbox")]
pub use outbox::{Outbox, Sent};

/// The ways out that this host has.
#[derive(Clone, Debug, Default)]
pub struct WaysOut {
    /// What answers HTTP requests in the network's stead, if anything does.
    pub responder: Option<Responder>,
    /// Where guests under test send to. It exists in tests only.
    #[cfg(feature = "test-outbox")]
    pub outbox: Option<Outbox>,
}

impl WaysOut {
    /// Whether there is such a capability.
    pub(crate) fn exists(&self, capability: &str) -> bool {
        #[cfg(feature = "test-outbox")]
        if capability == outbox::CAPABILITY {
            return self.outbox.is_some();
        }
        capability == HTTP
    }

    /// The capability that gives the interface `import`, if one does.
    pub(crate) fn capability_of(&self, import: &str) -> Option<&'static str> {
        #[cfg(feature = "test-outbox")]
        if import == outbox::INTERFACE && self.outbox.is_some() {
            return Some(outbox::CAPABILITY);
        }
        let (package, interface) = import.split_once('/')?;
        let interface = interface.split('@').next().unwrap_or(interface);
        (package == http::PACKAGE && matches!(interface, "types" | "outgoing-handler")).then_some(HTTP)
    }

    /// Whether `capability` leads somewhere for the plugin of this `manifest`: its operator granted it, or a
    /// responder answers in place of what is outside.
    pub(crate) fn is_open(&self, capability: &str, manifest: &Manifest) -> bool {
        manifest.grants.contains(capability) || (capability == HTTP && self.responder.is_some())
    }

    /// Gives `linker` what is `open`.
    pub(crate) fn link<C: AttemptContext + Send + 'static>(
        &self,
        linker: &mut Linker<Session<C>>,
        open: &BTreeSet<String>,
    ) -> wasmtime::Result<()> {
        if open.contains(HTTP) {
            http::link(linker)?;
        }
        #[cfg(feature = "test-outbox")]
        if let Some(outbox) = self.outbox.as_ref().filter(|_| open.contains(outbox::CAPABILITY)) {
            outbox.link(&mut linker.instance(outbox::INTERFACE)?)?;
        }
        Ok(())
    }
}
