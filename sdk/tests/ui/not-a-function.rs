//! A handler is a function.
use camshaft_sdk::prelude::*;

#[handler("order.placed")]
struct Shop;

fn main() {}
