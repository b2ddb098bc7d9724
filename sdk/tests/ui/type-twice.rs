//! An event type is listed once.
use camshaft_sdk::prelude::*;

#[handler("order.placed", "order.placed")]
fn f(_: Event<Bytes>) -> Result {
    Ok(())
}

fn main() {}
