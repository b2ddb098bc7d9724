//! Calls itself until the stack is full.
use camshaft_sdk::prelude::*;

#[handler("test.event")]
fn descend(event: Event<Bytes>) -> Result {
    let depth = deeper(u64::try_from(event.data.0.len())?);
    Err(Error::reject(depth))
}

#[expect(unconditional_recursion, reason = "this is the behaviour under test")]
#[inline(never)]
fn deeper(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 32]);
    deeper(depth + 1) + std::hint::black_box(frame).iter().sum::<u64>()
}
