//! Ways out: what a plugin gets only if its manifest asks for it and its operator grants it. Who has one is a sink.
//!
//! The loader asks here which capabilities exist and links those that were granted; nothing else of a plugin reaches
//! anything outside. A way out waits, so its functions are asynchronous and its instances are called by
//! [`Instance::call_outside`](crate::Instance::call_outside).

#[cfg(feature = "test-outbox")]
mod outbox;

use std::collections::BTreeSet;

use camshaft_event::AttemptContext;
use wasmtime::component::Linker;

use crate::instance::Session;
#[cfg(feature = "test-outbox")]
pub use outbox::{Outbox, Sent};

/// The ways out that this host has.
#[derive(Clone, Debug, Default)]
pub struct WaysOut {
    /// Where guests under test send to. It exists in tests only.
    #[cfg(feature = "test-outbox")]
    pub outbox: Option<Outbox>,
}

impl WaysOut {
    /// The capabilities that may be asked for.
    fn capabilities(&self) -> impl Iterator<Item = &'static str> {
        #[cfg(feature = "test-outbox")]
        let found = self.outbox.is_some().then_some(outbox::CAPABILITY);
        #[cfg(not(feature = "test-outbox"))]
        let found = None;
        found.into_iter()
    }

    /// Whether there is such a capability.
    pub(crate) fn exists(&self, capability: &str) -> bool {
        self.capabilities().any(|known| known == capability)
    }

    /// The capability that gives the interface `import`, if one does.
    pub(crate) fn capability_of(&self, import: &str) -> Option<&'static str> {
        self.capabilities().find(|capability| interface_of(capability) == import)
    }

    /// Gives `linker` what was granted.
    pub(crate) fn link<C: AttemptContext + Send + 'static>(
        &self,
        linker: &mut Linker<Session<C>>,
        granted: &BTreeSet<String>,
    ) -> wasmtime::Result<()> {
        for capability in self.capabilities().filter(|capability| granted.contains(*capability)) {
            let mut instance = linker.instance(interface_of(capability))?;
            #[cfg(feature = "test-outbox")]
            if let (outbox::CAPABILITY, Some(outbox)) = (capability, &self.outbox) {
                outbox.link(&mut instance)?;
            }
            let _ = &mut instance;
        }
        Ok(())
    }
}

/// The interface that a capability opens.
fn interface_of(capability: &str) -> &'static str {
    match capability {
        #[cfg(feature = "test-outbox")]
        outbox::CAPABILITY => outbox::INTERFACE,
        _ => "",
    }
}
