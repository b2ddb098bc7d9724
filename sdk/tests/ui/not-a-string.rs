//! Event types are strings.
use camshaft_sdk::prelude::*;

#[handler(order)]
fn f(_: Event<Bytes>) -> Result {
    Ok(())
}

fn main() {}
