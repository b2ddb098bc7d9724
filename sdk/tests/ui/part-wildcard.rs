//! A wildcard is a whole segment.
use camshaft_sdk::prelude::*;

#[handler("order.pl*")]
fn f(_: Event<Bytes>) -> Result {
    Ok(())
}

fn main() {}
