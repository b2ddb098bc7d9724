//! `**` must be the last segment.
use camshaft_sdk::prelude::*;

#[handler("**.placed")]
fn f(_: Event<Bytes>) -> Result {
    Ok(())
}

fn main() {}
