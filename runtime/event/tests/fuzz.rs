//! Fuzz targets: what this crate reads from outside, with properties that hold for every input.
//!
//! `cargo test` runs each for a moment with random input and the corpus beside it (`fuzz/__fuzz__`); `cargo
//! bolero` runs the same ones under a fuzzer that is guided by coverage. `runtime/RELIABILITY.md` says how.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod fuzz {
    mod built;
    mod commands;
    mod edited;

    mod events;
    mod filters;
    mod patterns;
    mod transactions;
}
