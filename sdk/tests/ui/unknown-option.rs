//! There is one option, `publishes`.
use camshaft_sdk::prelude::*;

#[handler("order.placed", publish("stock.reserved"))]
fn f(_: Event<Bytes>) -> Result {
    Ok(())
}

fn main() {}
