//! A handler is not async.
use camshaft_sdk::prelude::*;

#[handler("order.placed")]
async fn f(_: Event<Bytes>) -> Result {
    Ok(())
}

fn main() {}
