//! The component under wasmtime alone: its typed function, no limits, no deadline, nothing linked that it
//! could call.

use std::path::Path;

use anyhow::Result;
use camshaft::Event;
use wasmtime::component::{Component, ComponentType, Lift, Linker, Lower, TypedFunc};
use wasmtime::{Config, Engine, Store};

/// The event as the contract's record, borrowed.
#[derive(ComponentType, Lower, Clone, Copy)]
#[component(record)]
struct EventRecord<'a> {
    id: &'a str,
    source: &'a str,
    #[component(name = "event-type")]
    event_type: &'a str,
    subject: Option<&'a str>,
    time: Option<&'a str>,
    datacontenttype: Option<&'a str>,
    dataschema: Option<&'a str>,
    partitionkey: Option<&'a str>,
    extensions: &'a [(String, String)],
    data: &'a [u8],
}

#[derive(ComponentType, Lift)]
#[component(record)]
struct Retry {
    #[component(name = "after-ms")]
    after_ms: Option<u64>,
    reason: String,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
enum Failure {
    #[component(name = "retry")]
    Retry(Retry),
    #[component(name = "reject")]
    Reject(String),
    #[component(name = "other")]
    Other(String),
}

type Handle = TypedFunc<(EventRecord<'static>,), (Result<(), Failure>,)>;

/// An instance that is called again and again.
pub(super) struct Raw {
    store: Store<()>,
    handle: Handle,
}

impl Raw {
    pub(super) fn new(file: &Path) -> Result<Self> {
        let mut config = Config::new();
        config.concurrency_support(false);
        let engine = Engine::new(&config).map_err(plain)?;
        let component = Component::from_file(&engine, file).map_err(plain)?;
        let mut linker = Linker::new(&engine);
        linker.define_unknown_imports_as_traps(&component).map_err(plain)?;
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &component).map_err(plain)?;
        let handle = instance.get_typed_func(&mut store, "handle").map_err(plain)?;
        Ok(Self { store, handle })
    }

    pub(super) fn call(&mut self, event: &Event) -> Result<()> {
        let record = EventRecord {
            id: &event.id,
            source: &event.source,
            event_type: &event.event_type,
            subject: event.subject.as_deref(),
            time: event.time.as_deref(),
            datacontenttype: event.datacontenttype.as_deref(),
            dataschema: event.dataschema.as_deref(),
            partitionkey: event.partitionkey.as_deref(),
            extensions: &event.extensions,
            data: &event.data,
        };
        let (answer,) = self.handle.call(&mut self.store, (record,)).map_err(plain)?;
        match answer {
            Ok(()) => Ok(()),
            Err(Failure::Retry(Retry { after_ms, reason })) => {
                anyhow::bail!("the handler asked for a retry after {after_ms:?} ms: {reason}")
            }
            Err(Failure::Reject(reason) | Failure::Other(reason)) => {
                anyhow::bail!("the handler failed: {reason}")
            }
        }
    }
}

fn plain(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}
