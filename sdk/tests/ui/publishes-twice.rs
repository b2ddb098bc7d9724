//! All published types are in one list.
use camshaft_sdk::prelude::*;

#[handler("order.placed", publishes("stock.reserved"), publishes("stock.empty"))]
fn f(_: Event<Bytes>) -> Result {
    Ok(())
}

fn main() {}
