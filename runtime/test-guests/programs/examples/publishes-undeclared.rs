//! Publishes a type that its manifest does not list.
use camshaft_sdk::prelude::*;

#[handler("test.event", publishes("test.declared"))]
fn publish(_: Event<Bytes>, ctx: &mut Context) -> Result {
    ctx.publish("test.declared", &())?;
    ctx.publish("test.undeclared", &())
}
