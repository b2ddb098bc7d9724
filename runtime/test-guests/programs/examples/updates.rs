//! The work that is measured: for each event one state read, one write and one event published.
use camshaft_sdk::prelude::*;

#[handler("test.event", publishes("test.updated"))]
fn update(event: Event<Bytes>, ctx: &mut Context) -> Result {
    let key = event.key().reject("an update needs a key")?;
    let count: u64 = ctx.state().get(key)?.unwrap_or(0);
    ctx.state().set(key, &(count + 1))?;
    ctx.event("test.updated", &event.data).content_type("application/octet-stream").publish()
}
