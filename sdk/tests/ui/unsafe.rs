//! A handler is a safe function.
use camshaft_sdk::prelude::*;

#[handler("order.placed")]
unsafe fn f(_: Event<Bytes>) -> Result {
    Ok(())
}

fn main() {}
