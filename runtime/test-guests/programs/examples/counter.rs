//! Counts events: all of them under `total`, and those of each ordering key under `key/<key>`.
use camshaft_sdk::prelude::*;

#[handler("test.event")]
fn count(event: Event<Bytes>, ctx: &mut Context) -> Result {
    add_one(ctx, "total")?;
    if let Some(key) = event.key() {
        add_one(ctx, &format!("key/{key}"))?;
    }
    Ok(())
}

fn add_one(ctx: &Context, key: &str) -> Result {
    let count: u64 = ctx.state().get(key)?.unwrap_or(0);
    ctx.state().set(key, &(count + 1))
}
