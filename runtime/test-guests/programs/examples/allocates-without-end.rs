//! Asks for memory until there is none.
use camshaft_sdk::prelude::*;

#[handler("test.event")]
fn allocate(_: Event<Bytes>) -> Result {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        hoard.push(std::hint::black_box(vec![1; 1 << 20]));
    }
}
