//! A handler returns a result.
use camshaft_sdk::prelude::*;

#[handler("order.placed")]
fn f(_: Event<Bytes>) {}

fn main() {}
