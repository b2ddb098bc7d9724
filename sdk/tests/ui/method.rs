//! A handler is not a method.
use camshaft_sdk::prelude::*;

struct Shop;

impl Shop {
    #[handler("order.placed")]
    fn f(&self, _: Event<Bytes>) -> Result {
        Ok(())
    }
}

fn main() {}
