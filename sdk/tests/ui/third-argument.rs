//! A handler takes the event and the context.
use camshaft_sdk::prelude::*;

#[handler("order.placed")]
fn f(_: Event<Bytes>, _: &mut Context, _: u32) -> Result {
    Ok(())
}

fn main() {}
