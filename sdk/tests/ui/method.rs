//! A handler is no method.
use camshaft_sdk::prelude::*;

struct Shop;

impl Shop {
    #[handler("order.placed")]
    fn f(&self, _: Event<Bytes>) -> Result {
        Ok(())
    }
}

fn main() {}
