//! A handler takes the event by value.
use camshaft_sdk::prelude::*;

#[handler("order.placed")]
fn f(_: &Event<Bytes>) -> Result {
    Ok(())
}

fn main() {}
