//! Never answers, beside `loops-forever`.
use camshaft_sdk::prelude::*;

#[handler("test.event")]
fn spin(_: Event<Bytes>) -> Result {
    loop {
        std::hint::black_box(());
    }
}
