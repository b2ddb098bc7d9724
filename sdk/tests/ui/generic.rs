//! A handler takes one type of data.
use camshaft_sdk::prelude::*;

#[handler("order.placed")]
fn f<T>(_: Event<T>) -> Result {
    Ok(())
}

fn main() {}
