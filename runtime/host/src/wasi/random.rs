//! `wasi:random`: the attempt's random numbers, the same for every attempt at an event.
//!
//! While the guest starts there is no attempt, and all bytes are zero: what it draws then must not differ
//! between instances.

use camshaft_event::AttemptContext;
use wasmtime::{StoreContextMut, bail, component::LinkerInstance};

use crate::instance::Session;

/// Most bytes of one call.
const MAX_BYTES: u64 = 1024 * 1024;

/// Defines what `interface` of `wasi:random` has.
pub fn link<C: AttemptContext + Send + 'static>(
    instance: &mut LinkerInstance<'_, Session<C>>,
    interface: &str,
) -> wasmtime::Result<()> {
    let (bytes, number) = match interface {
        "random" => ("get-random-bytes", "get-random-u64"),
        "insecure" => ("get-insecure-random-bytes", "get-insecure-random-u64"),
        "insecure-seed" => {
            return instance.func_wrap("insecure-seed", |mut store: StoreContextMut<'_, Session<C>>, ()| {
                Ok(((draw(&mut store)?, draw(&mut store)?),))
            });
        }
        _ => return Ok(()),
    };
    instance.func_wrap(bytes, |mut store: StoreContextMut<'_, Session<C>>, (length,): (u64,)| {
        if length > MAX_BYTES {
            bail!("{length} random bytes were requested, but one call returns at most {MAX_BYTES}");
        }
        let mut buffer = vec![0; usize::try_from(length)?];
        fill(&mut store, &mut buffer)?;
        Ok((buffer,))
    })?;
    instance.func_wrap(number, |mut store: StoreContextMut<'_, Session<C>>, ()| Ok((draw(&mut store)?,)))
}

fn draw<C: AttemptContext>(store: &mut StoreContextMut<'_, Session<C>>) -> wasmtime::Result<u64> {
    let mut buffer = [0; 8];
    fill(store, &mut buffer)?;
    Ok(u64::from_le_bytes(buffer))
}

fn fill<C: AttemptContext>(
    store: &mut StoreContextMut<'_, Session<C>>,
    buffer: &mut [u8],
) -> wasmtime::Result<()> {
    if let Some(context) = store.data_mut().context_if_running()? {
        context.random(buffer);
    }
    Ok(())
}
