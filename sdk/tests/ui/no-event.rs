//! A handler takes the event.
use camshaft_sdk::prelude::*;

#[handler("order.placed")]
fn f() -> Result {
    Ok(())
}

fn main() {}
