//! Answers each `test.ping` with a `test.pong`: with `ping`, a loop without end.
use camshaft_sdk::prelude::*;

#[handler("test.ping", publishes("test.pong"))]
fn pong(_: Event<Bytes>, ctx: &mut Context) -> Result {
    ctx.publish("test.pong", &())
}
