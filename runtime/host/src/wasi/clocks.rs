//! `wasi:clocks`: the attempt's time, which stands still. Waiting ends at once.

use camshaft_event::AttemptContext;
use wasmtime::{
    StoreContextMut,
    component::{ComponentType, Lift, LinkerInstance, Lower, Resource},
};

use super::io::{Pollable, WAIT};
use crate::instance::Session;

/// The clocks tell milliseconds.
const RESOLUTION_NS: u32 = 1_000_000;

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

/// Defines what `interface` of `wasi:clocks` has.
pub fn link<C: AttemptContext + Send + 'static>(
    instance: &mut LinkerInstance<'_, Session<C>>,
    interface: &str,
) -> wasmtime::Result<()> {
    match interface {
        "monotonic-clock" => {
            instance.func_wrap("now", |store: StoreContextMut<'_, Session<C>>, ()| {
                Ok((now_ms(store)?.saturating_mul(u64::from(RESOLUTION_NS)),))
            })?;
            instance.func_wrap("resolution", |_, ()| Ok((u64::from(RESOLUTION_NS),)))?;
            for name in ["subscribe-instant", "subscribe-duration"] {
                instance.func_wrap(name, |store: StoreContextMut<'_, Session<C>>, (_,): (u64,)| {
                    store.data().waits().begin();
                    Ok((Resource::<Pollable>::new_own(WAIT),))
                })?;
            }
            Ok(())
        }
        "wall-clock" => {
            instance.func_wrap("now", |store: StoreContextMut<'_, Session<C>>, ()| {
                Ok((datetime(now_ms(store)?),))
            })?;
            instance.func_wrap("resolution", |_, ()| Ok((datetime(1),)))
        }
        _ => Ok(()),
    }
}

/// The attempt's time; the epoch while the guest starts.
fn now_ms<C: AttemptContext>(mut store: StoreContextMut<'_, Session<C>>) -> wasmtime::Result<u64> {
    Ok(store.data_mut().context_if_running()?.map_or(0, |context| context.now().0))
}

fn datetime(ms: u64) -> Datetime {
    let rest = u32::try_from(ms % 1_000).expect("a remainder of a thousand fits a u32");
    Datetime { seconds: ms / 1_000, nanoseconds: rest * RESOLUTION_NS }
}
