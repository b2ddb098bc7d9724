//! Asks for attempts until the one that the data names, and publishes its number.
use std::time::Duration;

use camshaft_sdk::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Plan {
    succeed_at: u32,
    after_ms: Option<u64>,
}

#[handler("test.event", publishes("test.succeeded"))]
fn persist(event: Event<Plan>, ctx: &mut Context) -> Result {
    let attempt = ctx.attempt();
    ctx.publish("test.succeeded", &attempt)?;
    ctx.state().set("attempts", &attempt)?;
    match event.data.after_ms {
        _ if attempt >= event.data.succeed_at => Ok(()),
        None => Err(Error::retry(format_args!("attempt {attempt} is too early"))),
        Some(ms) => {
            Err(Error::retry_after(Duration::from_millis(ms), format_args!("attempt {attempt} is too early")))
        }
    }
}
