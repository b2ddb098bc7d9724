//! A handler is not generic.
use camshaft_sdk::prelude::*;

#[handler("order.placed")]
fn f<T>(_: Event<T>) -> Result {
    Ok(())
}

fn main() {}
