//! A handler takes the context by reference.
use camshaft_sdk::prelude::*;

#[handler("order.placed")]
fn f(_: Event<Bytes>, _: Context) -> Result {
    Ok(())
}

fn main() {}
