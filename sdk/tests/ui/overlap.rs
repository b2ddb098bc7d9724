//! Patterns of one handler do not overlap.
use camshaft_sdk::prelude::*;

#[handler("order.*", "*.placed")]
fn f(_: Event<Bytes>) -> Result {
    Ok(())
}

fn main() {}
