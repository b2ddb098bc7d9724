//! Writes as much as the data says: values of a size, and events of a size.
use camshaft_sdk::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Amount {
    #[serde(default)]
    values: u32,
    #[serde(default)]
    events: u32,
    bytes: usize,
}

#[handler("test.event", publishes("test.much"))]
fn write(event: Event<Amount>, ctx: &mut Context) -> Result {
    let text = "x".repeat(event.data.bytes);
    for number in 0..event.data.values {
        ctx.state().set(format!("value/{number}"), &text)?;
    }
    for _ in 0..event.data.events {
        ctx.publish("test.much", &text)?;
    }
    Ok(())
}
