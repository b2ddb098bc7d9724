//! `.wasm` files: whatever they hold, loading them ends in a plugin or a refusal, and calling them in an
//! answer.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU32, Ordering};

use bolero::check;
use camshaft_event::Answer;

use super::{MOMENT, check_refusal};
use crate::edited::{Edited, corpus};
use crate::support::{Attempt, Bench, event, ticking};

/// Sections, opcodes and lengths that decide much.
const WORDS: [&str; 8] = [
    "\0asm\u{1}\0\0\0",
    "\0asm\r\0\u{1}\0",
    "\0",
    "\u{7f}",
    "camshaft:manifest",
    "handle",
    "\u{b}",
    "\u{3}@",
];

#[test]
fn any_file_is_a_plugin_or_a_refusal() {
    let bench = AssertUnwindSafe(Bench::new());
    check!(name = "plugin").with_iterations(200).for_each(|bytes: &[u8]| {
        check(&bench, bytes);
    });
}

#[test]
fn an_edited_plugin_is_a_plugin_or_a_refusal() {
    let bench = AssertUnwindSafe(Bench::new());
    let corpus = corpus("plugin");
    // Whether an edit came so far as to be called; else the target would show little.
    let calls = AtomicU32::new(0);
    check!().with_type::<Edited>().with_test_time(MOMENT).for_each(|edited| {
        calls.fetch_add(check(&bench, &edited.of(&corpus, &WORDS)).into(), Ordering::Relaxed);
    });
    assert!(calls.into_inner() > 0, "no edited plugin was one");
}

/// Loads a file and calls what it is. Returns whether it was called.
fn check(bench: &Bench, bytes: &[u8]) -> bool {
    ticking(&bench.host, || {
        let prepared = match bench.load(bytes).and_then(|plugin| plugin.prepare()) {
            Ok(prepared) => prepared,
            Err(refusal) => {
                check_refusal(&refusal);
                return false;
            }
        };
        let Ok(mut instance) = prepared.instantiate() else { return false };
        for _ in 0..2 {
            let (answer, _) = instance.call(&event(), Attempt::default());
            if let Answer::Failed { error, .. } = &answer {
                assert!(!error.is_empty(), "{answer:?}");
            }
            if instance.is_spent() {
                break;
            }
        }
        true
    })
}
