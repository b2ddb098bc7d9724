//! Event types are strings, not numbers.
use camshaft_sdk::prelude::*;

#[handler(7)]
fn f(_: Event<Bytes>) -> Result {
    Ok(())
}

fn main() {}
