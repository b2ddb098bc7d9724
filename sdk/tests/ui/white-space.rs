//! An event type has no white space.
use camshaft_sdk::prelude::*;

#[handler("order placed")]
fn f(_: Event<Bytes>) -> Result {
    Ok(())
}

fn main() {}
