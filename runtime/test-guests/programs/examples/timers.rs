//! Sets and cancels timers as told, and keeps the data of each that fired under `fired/<name>`.
use std::time::Duration;

use camshaft_sdk::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Request {
    name: String,
    after_ms: u64,
}

#[derive(Serialize, Deserialize)]
struct Alarm {
    name: String,
    set_at_ms: u64,
}

#[handler("test.schedule", publishes("test.alarm"))]
fn schedule(event: Event<Request>, ctx: &mut Context) -> Result {
    let Request { name, after_ms } = event.data;
    let alarm = Alarm { name, set_at_ms: ctx.now_ms() };
    ctx.schedule(&alarm.name, ctx.now() + Duration::from_millis(after_ms), "test.alarm", &alarm)
}

#[handler("test.cancel")]
fn cancel(event: Event<String>, ctx: &mut Context) -> Result {
    ctx.cancel(&event.data)
}

#[handler("test.alarm")]
fn ring(event: Event<Alarm>, ctx: &mut Context) -> Result {
    ctx.state().set(format!("fired/{}", event.data.name), &(ctx.now_ms() - event.data.set_at_ms))
}
