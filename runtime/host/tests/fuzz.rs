//! Fuzz targets: whatever is dropped into the plugin directory is a plugin that keeps its own rules, or a
//! refusal.
//!
//! `cargo test` runs each for a moment with random input and the corpus beside it (`fuzz/__fuzz__`); `cargo
//! bolero` runs the same ones under a fuzzer that is guided by coverage. `runtime/RELIABILITY.md` says how.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "../../event/tests/fuzz/edited.rs"]
mod edited;
#[path = "host/support.rs"]
#[expect(dead_code, reason = "shared with the tests of the host")]
mod support;

mod fuzz {
    mod manifests;
    mod plugins;

    use camshaft_host::Refusal;

    /// How long `cargo test` runs a target; `BOLERO_RANDOM_TEST_TIME_MS` overrides it.
    const MOMENT: std::time::Duration = std::time::Duration::from_secs(2);

    /// A refusal says what is wrong and what to do, each as one sentence of bounded length.
    fn check_refusal(refusal: &Refusal) {
        assert!(!refusal.message.is_empty(), "{refusal:?}");
        assert!(refusal.hint.ends_with(['.', '?', '!']), "{refusal:?}");
        assert!(refusal.message.len() < 4096, "{} bytes of message", refusal.message.len());
    }
}
