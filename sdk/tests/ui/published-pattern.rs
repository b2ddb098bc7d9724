//! A published event has one type, not a pattern.
use camshaft_sdk::prelude::*;

#[handler("order.placed", publishes("stock.*"))]
fn f(_: Event<Bytes>) -> Result {
    Ok(())
}

fn main() {}
