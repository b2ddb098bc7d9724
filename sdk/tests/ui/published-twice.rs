//! A published type is listed once.
use camshaft_sdk::prelude::*;

#[handler("order.placed", publishes("stock.reserved", "stock.reserved"))]
fn f(_: Event<Bytes>) -> Result {
    Ok(())
}

fn main() {}
