//! Only the runtime publishes its own types.
use camshaft_sdk::prelude::*;

#[handler("order.placed", publishes("camshaft.plugin.activated"))]
fn f(_: Event<Bytes>) -> Result {
    Ok(())
}

fn main() {}
