//! An event type has no empty segments.
use camshaft_sdk::prelude::*;

#[handler("order..placed")]
fn f(_: Event<Bytes>) -> Result {
    Ok(())
}

fn main() {}
