//! Answers each event with the configuration's value for the key that is its data.
use camshaft_sdk::prelude::*;
use serde::Serialize;

camshaft_test_programs::record!("config = { greeting = 'hello', whom = 'world' }");

#[derive(Serialize)]
struct Setting {
    key: String,
    value: Option<String>,
}

#[handler("test.event", publishes("test.setting"))]
fn look_up(event: Event<String>, ctx: &mut Context) -> Result {
    let value = ctx.config(&event.data);
    ctx.publish("test.setting", &Setting { key: event.data, value })
}
