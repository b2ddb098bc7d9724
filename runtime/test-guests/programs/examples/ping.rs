//! Answers each `test.pong` with a `test.ping`: with `pong`, a loop without end.
use camshaft_sdk::prelude::*;

#[handler("test.pong", publishes("test.ping"))]
fn ping(_: Event<Bytes>, ctx: &mut Context) -> Result {
    ctx.publish("test.ping", &())
}
