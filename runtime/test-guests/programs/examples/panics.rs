//! Panics two calls deep, with a message that names the event.
use camshaft_sdk::prelude::*;

#[handler("test.event", publishes("test.never"))]
fn measure(event: Event<Bytes>, ctx: &mut Context) -> Result {
    ctx.state().set("touched", &true)?;
    ctx.publish("test.never", &())?;
    Err(Error::reject(flux_of(&event)))
}

#[inline(never)]
fn flux_of(event: &Event<Bytes>) -> u64 {
    panic!("no flux in event {}", event.id);
}
