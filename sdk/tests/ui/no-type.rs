//! A handler has at least one event type.
use camshaft_sdk::prelude::*;

#[handler]
fn f(_: Event<Bytes>) -> Result {
    Ok(())
}

fn main() {}
