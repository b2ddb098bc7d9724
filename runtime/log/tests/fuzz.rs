//! Fuzz targets: whatever the files hold, opening answers with a log or an error, and what a log gives is
//! right.
//!
//! `cargo test` runs each for a moment with random input and the corpus beside it (`fuzz/__fuzz__`); `cargo
//! bolero` runs the same ones under a fuzzer that is guided by coverage. `runtime/RELIABILITY.md` says how.

mod fuzz {
    mod damage;
    mod format;
    mod segment;

    /// How long `cargo test` runs a target; `BOLERO_RANDOM_TEST_TIME_MS` overrides it.
    const MOMENT: std::time::Duration = std::time::Duration::from_secs(2);
}
