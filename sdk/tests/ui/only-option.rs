//! Options are not enough: a handler has at least one event type.
use camshaft_sdk::prelude::*;

#[handler(publishes("stock.reserved"))]
fn f(_: Event<Bytes>) -> Result {
    Ok(())
}

fn main() {}
