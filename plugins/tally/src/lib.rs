//! Counts events per type.
use camshaft_sdk::prelude::*;

#[handler("**")]
fn count(event: Event<Bytes>, ctx: &mut Context) -> Result {
    let total: u64 = ctx.state().get(&event.event_type)?.unwrap_or(0);
    ctx.state().set(&event.event_type, &(total + 1))
}
