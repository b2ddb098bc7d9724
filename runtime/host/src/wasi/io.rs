//! `wasi:io`: streams that lead to the plugin's log or nowhere, and pollables that are always ready.
//!
//! No resource here has anything behind it: its representation alone tells what it is, so nothing needs a
//! table and nothing can leak.

use camshaft_event::AttemptContext;
use wasmtime::{
    StoreContextMut, bail,
    component::{ComponentType, Lift, LinkerInstance, Lower, Resource, ResourceType},
};

use crate::instance::Session;

/// Standard output or standard error.
pub struct OutputStream;
/// A stream that has ended.
pub struct InputStream;
/// Something that is ready.
pub struct Pollable;
/// Why a stream failed. None ever does.
pub struct StreamFailure;
/// Files, sockets, terminals: what no plugin can get.
pub struct Absent;

/// Representation of standard output.
pub const STDOUT: u32 = 1;
/// Representation of standard error.
pub const STDERR: u32 = 2;

/// Representation of a pollable of the clock: it is counted as long as the guest holds it.
pub const WAIT: u32 = 1;

/// Bytes that a guest may write at once.
const WRITE_BYTES: u64 = 64 * 1024;

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    LastOperationFailed(Resource<StreamFailure>),
    #[component(name = "closed")]
    Closed,
}

/// Defines the resource type `name`, which is the same one wherever an interface mentions it.
pub fn resource<C: 'static>(
    instance: &mut LinkerInstance<'_, Session<C>>,
    name: &str,
) -> wasmtime::Result<()> {
    let resource_type = match name {
        "output-stream" => ResourceType::host::<OutputStream>(),
        "input-stream" => ResourceType::host::<InputStream>(),
        "pollable" => ResourceType::host::<Pollable>(),
        // `wasi:http` calls it by the other name.
        "error" | "io-error" => ResourceType::host::<StreamFailure>(),
        _ => ResourceType::host::<Absent>(),
    };
    let is_pollable = name == "pollable";
    instance.resource(name, resource_type, move |store, representation| {
        if is_pollable && representation == WAIT {
            store.data().waits().end();
        }
        Ok(())
    })
}

/// Defines what `interface` of `wasi:io` has.
pub fn link<C: AttemptContext + Send + 'static>(
    instance: &mut LinkerInstance<'_, Session<C>>,
    interface: &str,
) -> wasmtime::Result<()> {
    match interface {
        "poll" => poll(instance),
        "streams" => {
            input(instance)?;
            output(instance)
        }
        "error" => instance.func_wrap(
            "[method]error.to-debug-string",
            |_: StoreContextMut<'_, Session<C>>, (_,): (Resource<StreamFailure>,)| Ok((String::new(),)),
        ),
        _ => Ok(()),
    }
}

fn poll<C: 'static>(instance: &mut LinkerInstance<'_, Session<C>>) -> wasmtime::Result<()> {
    instance.func_wrap("poll", |_, (all,): (Vec<Resource<Pollable>>,)| {
        let ready = u32::try_from(all.len())?;
        Ok(((0..ready).collect::<Vec<u32>>(),))
    })?;
    instance.func_wrap("[method]pollable.ready", |_, (_,): (Resource<Pollable>,)| Ok((true,)))?;
    instance.func_wrap("[method]pollable.block", |_, (_,): (Resource<Pollable>,)| Ok(()))
}

fn input<C: 'static>(instance: &mut LinkerInstance<'_, Session<C>>) -> wasmtime::Result<()> {
    for name in ["[method]input-stream.read", "[method]input-stream.blocking-read"] {
        instance.func_wrap(name, |_, (_, _): (Resource<InputStream>, u64)| {
            Ok((Err::<Vec<u8>, _>(StreamError::Closed),))
        })?;
    }
    for name in ["[method]input-stream.skip", "[method]input-stream.blocking-skip"] {
        instance.func_wrap(name, |_, (_, _): (Resource<InputStream>, u64)| {
            Ok((Err::<u64, _>(StreamError::Closed),))
        })?;
    }
    instance.func_wrap("[method]input-stream.subscribe", |_, (_,): (Resource<InputStream>,)| {
        Ok((Resource::<Pollable>::new_own(0),))
    })
}

fn output<C: AttemptContext + Send + 'static>(
    instance: &mut LinkerInstance<'_, Session<C>>,
) -> wasmtime::Result<()> {
    instance.func_wrap("[method]output-stream.check-write", |_, (_,): (Resource<OutputStream>,)| {
        Ok((Ok::<_, StreamError>(WRITE_BYTES),))
    })?;
    for name in ["[method]output-stream.write", "[method]output-stream.blocking-write-and-flush"] {
        instance.func_wrap(
            name,
            |mut store: StoreContextMut<'_, Session<C>>,
             (stream, bytes): (Resource<OutputStream>, Vec<u8>)| {
                // The guest has asked how much it may write.
                if bytes.len() as u64 > WRITE_BYTES {
                    bail!("{} bytes were written at once, but {WRITE_BYTES} are allowed", bytes.len());
                }
                let session = store.data_mut();
                match stream.rep() {
                    STDERR => session.write_stderr(&bytes),
                    _ => session.write_stdout(&bytes),
                }
                Ok((Ok::<(), StreamError>(()),))
            },
        )?;
    }
    for name in ["[method]output-stream.flush", "[method]output-stream.blocking-flush"] {
        instance.func_wrap(name, |_, (_,): (Resource<OutputStream>,)| Ok((Ok::<(), StreamError>(()),)))?;
    }
    instance.func_wrap("[method]output-stream.subscribe", |_, (_,): (Resource<OutputStream>,)| {
        Ok((Resource::<Pollable>::new_own(0),))
    })
}
