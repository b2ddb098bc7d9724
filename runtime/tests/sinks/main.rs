//! Sinks in the whole runtime: real wasm with the way out that exists for tests, real disk, real aborts.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod closures;
mod cut_off;
mod durable;
mod killed;
#[path = "../../src/compose/told/tests/lines.rs"]
mod lines;
mod refused;
mod slow;
mod world;
