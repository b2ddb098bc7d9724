//! Event types come first.
use camshaft_sdk::prelude::*;

#[handler(publishes("stock.reserved"), "order.placed")]
fn f(_: Event<Bytes>) -> Result {
    Ok(())
}

fn main() {}
