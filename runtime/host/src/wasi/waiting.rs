//! What of WASI is different for a plugin that may send requests: streams and clocks that can be waited for.
//!
//! `wasi:io` is wasmtime's then. What the guest writes to its standard streams still goes to the plugin's
//! log, as soon as the call has ended. The wall clock still stands at the attempt's time; the monotonic clock
//! runs, since who waits for it would wait for ever.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use camshaft_event::AttemptContext;
use wasmtime::{
    StoreContextMut,
    component::{LinkerInstance, Resource},
};
use wasmtime_wasi_io::{
    IoView, async_trait,
    bytes::Bytes,
    poll::{DynPollable, Pollable, subscribe},
    streams::{DynInputStream, DynOutputStream, InputStream, OutputStream, StreamError, StreamResult},
};

use super::Waits;
use crate::instance::Session;

/// Bytes that a guest may write at once, and that are kept of one call.
const WRITE_BYTES: usize = 64 * 1024;

/// What was written to a standard stream and not yet passed on.
#[derive(Clone, Default)]
pub struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    /// What came since the last time.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether `wasi:io` of a plugin that waits defines the resource `name`.
pub fn is_real(name: &str) -> bool {
    matches!(name, "output-stream" | "input-stream" | "pollable" | "error")
}

impl<C> IoView for Session<C> {
    fn table(&mut self) -> &mut wasmtime::component::ResourceTable {
        &mut self.resources
    }
}

/// Defines what is different in `interface` of `package`; answers whether it is.
pub fn link<C: AttemptContext + Send + 'static>(
    instance: &mut LinkerInstance<'_, Session<C>>,
    package: &str,
    interface: &str,
) -> wasmtime::Result<bool> {
    match (package, interface) {
        ("wasi:cli", "stdin") => instance.func_wrap("get-stdin", |mut store: Of<'_, C>, ()| {
            let ended: DynInputStream = Box::new(Ended);
            Ok((store.data_mut().resources.push(ended)?,))
        })?,
        ("wasi:cli", "stdout") => instance.func_wrap("get-stdout", |mut store: Of<'_, C>, ()| {
            let stream = store.data().written_stdout().clone();
            output(&mut store, stream)
        })?,
        ("wasi:cli", "stderr") => instance.func_wrap("get-stderr", |mut store: Of<'_, C>, ()| {
            let stream = store.data().written_stderr().clone();
            output(&mut store, stream)
        })?,
        ("wasi:clocks", "monotonic-clock") => monotonic(instance)?,
        _ => return Ok(false),
    }
    Ok(true)
}

type Of<'a, C> = StoreContextMut<'a, Session<C>>;

fn output<C>(store: &mut Of<'_, C>, stream: Written) -> wasmtime::Result<(Resource<DynOutputStream>,)> {
    let stream: DynOutputStream = Box::new(stream);
    Ok((store.data_mut().resources.push(stream)?,))
}

fn monotonic<C: AttemptContext + Send + 'static>(
    instance: &mut LinkerInstance<'_, Session<C>>,
) -> wasmtime::Result<()> {
    instance.func_wrap("now", |store: Of<'_, C>, ()| Ok((nanos(store.data().since_start()),)))?;
    instance.func_wrap("resolution", |_: Of<'_, C>, ()| Ok((1_u64,)))?;
    instance.func_wrap("subscribe-instant", |mut store: Of<'_, C>, (at,): (u64,)| {
        let wait = Duration::from_nanos(at).saturating_sub(store.data().since_start());
        Ok((sleep(&mut store, wait)?,))
    })?;
    instance.func_wrap("subscribe-duration", |mut store: Of<'_, C>, (wait,): (u64,)| {
        Ok((sleep(&mut store, Duration::from_nanos(wait))?,))
    })
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn sleep<C>(store: &mut Of<'_, C>, wait: Duration) -> wasmtime::Result<Resource<DynPollable>> {
    // Whatever lies beyond the attempt's deadline is the same.
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    let session = store.data_mut();
    let sleep = Sleep::new(Instant::now() + wait.min(LONGEST), session.waits().clone());
    let table = &mut session.resources;
    let sleep = table.push(sleep)?;
    subscribe(table, sleep)
}

struct Sleep {
    until: Instant,
    waits: Waits,
}

impl Sleep {
    fn new(until: Instant, waits: Waits) -> Self {
        waits.begin();
        Self { until, waits }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.waits.end();
    }
}

#[async_trait]
impl Pollable for Sleep {
    async fn ready(&mut self) {
        tokio::time::sleep_until(self.until.into()).await;
    }
}

#[async_trait]
impl Pollable for Written {
    async fn ready(&mut self) {}
}

impl OutputStream for Written {
    /// What exceeds the bound is dropped: a log has room for less anyway.
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = WRITE_BYTES.saturating_sub(kept.len());
        kept.extend(bytes.iter().take(room));
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES)
    }
}

/// A stream that has ended.
struct Ended;

#[async_trait]
impl Pollable for Ended {
    async fn ready(&mut self) {}
}

impl InputStream for Ended {
    fn read(&mut self, _: usize) -> StreamResult<Bytes> {
        Err(StreamError::Closed)
    }
}
