//! The way out of guests under test: it hands what they send to a closure that the test gives.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use camshaft_event::AttemptContext;
use wasmtime::{StoreContextMut, component::LinkerInstance};

use crate::instance::Session;

/// What a manifest asks for.
pub const CAPABILITY: &str = "test-outbox";
/// What the guest imports: `send: func(key: string, data: list<u8>) -> result<list<u8>, string>`.
pub const INTERFACE: &str = "camshaft:test/outbox@0.1.0";

/// What a guest sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Whose guest.
    pub consumer: String,
    /// The attempt's number.
    pub attempt: u32,
    /// The idempotency key that the guest chose.
    pub key: String,
    /// The rest.
    pub data: Vec<u8>,
}

/// The reply, or why there is none.
pub type Reply = Result<Vec<u8>, String>;

type Send =
    dyn Fn(Sent) -> Pin<Box<dyn Future<Output = Reply> + std::marker::Send>> + std::marker::Send + Sync;

/// Where it goes.
#[derive(Clone)]
pub struct Outbox(Arc<Send>);

impl Outbox {
    /// An outbox that awaits `send` for every reply.
    pub fn new<F>(send: impl Fn(Sent) -> F + std::marker::Send + Sync + 'static) -> Self
    where
        F: Future<Output = Reply> + std::marker::Send + 'static,
    {
        Self(Arc::new(move |sent| Box::pin(send(sent))))
    }

    pub(crate) fn link<C: AttemptContext + std::marker::Send + 'static>(
        &self,
        instance: &mut LinkerInstance<'_, Session<C>>,
    ) -> wasmtime::Result<()> {
        let send = Arc::clone(&self.0);
        instance.func_wrap_async(
            "send",
            move |mut store: StoreContextMut<'_, Session<C>>, (key, data): (String, Vec<u8>)| {
                let send = Arc::clone(&send);
                Box::new(async move {
                    let context = store.data_mut().context()?;
                    let (consumer, attempt) = (context.consumer().to_owned(), context.attempt());
                    Ok((send(Sent { consumer, attempt, key, data }).await,))
                })
            },
        )
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outbox")
    }
}
