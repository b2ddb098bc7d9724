//! Ends in a trap without a word.
use camshaft_sdk::prelude::*;

#[handler("test.event")]
fn trap(_: Event<Bytes>) -> Result {
    #[cfg(target_family = "wasm")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_family = "wasm"))]
    std::process::abort();
}
