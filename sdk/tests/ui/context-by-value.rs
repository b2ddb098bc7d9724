//! The context is lent.
use camshaft_sdk::prelude::*;

#[handler("order.placed")]
fn f(_: Event<Bytes>, _: Context) -> Result {
    Ok(())
}

fn main() {}
