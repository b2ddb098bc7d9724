//! Calls of handlers that are in order, and of ones that are not.

use camshaft_event::{Answer, FailureCause, LogLevel};

use crate::support::{Attempt, Bench, event, handler, ticking, with_manifest};

const STATE_SET: &str = r#"(import "camshaft:plugin/state@0.1.0" "set"
    (func $set (param i32 i32 i32 i32 i32)))"#;
const LOG: &str = r#"(import "camshaft:plugin/logging@0.1.0" "log"
    (func $log (param i32 i32 i32 i32 i32)))"#;

fn failed(answer: Answer) -> (FailureCause, String) {
    match answer {
        Answer::Failed { cause, error } => (cause, error),
        other => panic!("a failed attempt was expected, not {other:?}"),
    }
}

#[test]
fn a_handler_sees_the_event_and_its_effects_come_back_with_the_context() {
    // The record's fields follow each other; the subject's option is at 24, the data's pointer at 92.
    let guest = handler(
        STATE_SET,
        "(call $set (i32.load offset=28 (local.get $event)) (i32.load offset=32 (local.get $event))
            (i32.load offset=92 (local.get $event)) (i32.load offset=96 (local.get $event)) (i32.const 256))",
    );
    let mut instance = Bench::new().instance(&guest);
    for _ in 0..3 {
        let (answer, attempt) = instance.call(&event(), Attempt::default());
        assert_eq!(answer, Answer::Done);
        assert_eq!(
            attempt.state.get(b"thing-7".as_slice()).map(Vec::as_slice),
            Some(b"{\"n\":1}".as_slice())
        );
        assert!(!instance.is_spent());
    }
}

#[test]
fn a_disposition_becomes_the_answer_and_spends_the_instance() {
    let answers = [
        // retry after 1500 ms: failure's case at 72, the option at 80, its value at 88, the reason at 96.
        (
            "(i32.store8 (i32.const 72) (i32.const 0)) (i32.store8 (i32.const 80) (i32.const 1))
             (i64.store (i32.const 88) (i64.const 1500))
             (i32.store (i32.const 96) (i32.const 512)) (i32.store (i32.const 100) (i32.const 4))",
            Answer::Retry { after_ms: Some(1500), reason: "why!".into() },
        ),
        (
            "(i32.store8 (i32.const 72) (i32.const 1))
             (i32.store (i32.const 80) (i32.const 512)) (i32.store (i32.const 84) (i32.const 4))",
            Answer::Reject { reason: "why!".into() },
        ),
        (
            "(i32.store8 (i32.const 72) (i32.const 2))
             (i32.store (i32.const 80) (i32.const 512)) (i32.store (i32.const 84) (i32.const 4))",
            Answer::Retry { after_ms: None, reason: "why!".into() },
        ),
    ];
    for (body, expected) in answers {
        let body = format!(
            r#"(i32.store (i32.const 512) (i32.const 0x21796877)) (i32.store8 (i32.const 64) (i32.const 1)) {body}"#
        );
        let mut instance = Bench::new().instance(&handler("", &body));
        let (answer, _) = instance.call(&event(), Attempt::default());
        assert_eq!((answer, instance.is_spent()), (expected, true));
    }
}

#[test]
fn a_fresh_policy_spends_an_instance_with_every_event() {
    let bench = Bench::new();
    let plugin = bench.load_with(&handler("", ""), "[policy]\ninstance = \"fresh\"").unwrap();
    let mut instance = plugin.prepare().unwrap().instantiate().unwrap();
    let (answer, _) = instance.call(&event(), Attempt::default());
    assert_eq!((answer, instance.is_spent()), (Answer::Done, true));
}

#[test]
fn a_handler_that_loops_for_ever_fails_at_its_deadline() {
    let bench = Bench::new();
    let plugin = bench.load_with(&handler("", "(loop (br 0))"), "[limits]\ndeadline = \"50ms\"").unwrap();
    let mut instance = plugin.prepare().unwrap().instantiate().unwrap();
    let (answer, _) = ticking(&bench.host, || instance.call(&event(), Attempt::default()));
    let (cause, error) = failed(answer);
    assert_eq!(cause, FailureCause::Deadline);
    assert!(
        error.starts_with("the handler exceeded its deadline of 50ms (setting `limits.deadline`)"),
        "{error}"
    );
    assert!(instance.is_spent());
}

#[test]
fn time_without_ticks_does_not_count_against_the_deadline() {
    let spin = "(local $n i32) (loop (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if 0 (i32.lt_u (local.get $n) (i32.const 50000000))))";
    let bench = Bench::new();
    let plugin = bench.load_with(&handler("", spin), "[limits]\ndeadline = \"1ms\"").unwrap();
    let mut instance = plugin.prepare().unwrap().instantiate().unwrap();
    assert_eq!(instance.call(&event(), Attempt::default()).0, Answer::Done);
}

#[test]
fn a_handler_that_allocates_without_end_fails_at_its_memory_limit() {
    let body = "(loop (br_if 0 (i32.ne (i32.const -1) (memory.grow (i32.const 16))))) (unreachable)";
    let bench = Bench::new();
    let plugin = bench.load_with(&handler("", body), "[limits]\nmemory = \"4MiB\"").unwrap();
    let mut instance = plugin.prepare().unwrap().instantiate().unwrap();
    let (cause, error) = failed(instance.call(&event(), Attempt::default()).0);
    assert_eq!(cause, FailureCause::Memory);
    assert!(
        error.starts_with(
            "the handler requested 4.1 MiB of memory, more than its limit of 4.0 MiB (setting \
             `limits.memory`)"
        ),
        "{error}"
    );
}

#[test]
fn a_denied_growth_that_the_guest_copes_with_is_no_failure() {
    let body = "(drop (memory.grow (i32.const 60000)))";
    let mut instance = Bench::new().instance(&handler("", body));
    assert_eq!(instance.call(&event(), Attempt::default()).0, Answer::Done);
}

#[test]
fn endless_recursion_is_told_apart_from_other_traps() {
    let guest = with_manifest(
        crate::support::module(
            "",
            r#"(func $down (param i32) (result i32)
                 (i32.add (i32.const 1) (call $down (i32.add (local.get 0) (i32.const 1)))))
               (func (export "handle") (param i32) (result i32) (call $down (local.get 0)))"#,
        ),
        &[crate::support::MANIFEST],
    );
    let mut instance = Bench::new().instance(&guest);
    let (cause, error) = failed(instance.call(&event(), Attempt::default()).0);
    assert_eq!(cause, FailureCause::Stack);
    assert!(error.contains("its stack of 512.0 KiB") && error.contains("`limits.max_stack`"), "{error}");
    assert!(error.contains("down"), "{error}");
    assert!(error.len() <= 8 * 1024, "{} bytes", error.len());
}

#[test]
fn a_trap_carries_the_last_words_and_a_backtrace_with_names() {
    let guest = with_manifest(
        crate::support::module(
            LOG,
            r#"(data (i32.const 512) "panicked at src/lib.rs:7: no stock")
               (func $reserve_stock
                 (call $log (i32.const 5) (i32.const 512) (i32.const 34) (i32.const 0) (i32.const 0))
                 (unreachable))
               (func (export "handle") (param i32) (result i32) (call $reserve_stock) (i32.const 64))"#,
        ),
        &[crate::support::MANIFEST],
    );
    let mut instance = Bench::new().instance(&guest);
    let (answer, attempt) = instance.call(&event(), Attempt::default());
    let (cause, error) = failed(answer);
    assert_eq!(cause, FailureCause::Trap);
    assert_eq!(
        error,
        "the handler trapped: panicked at src/lib.rs:7: no stock\n\
         backtrace, innermost call first:\n   0: reserve_stock\n   1: function 4"
    );
    assert_eq!(attempt.lines, [(LogLevel::Error, "panicked at src/lib.rs:7: no stock".to_owned())]);
}

#[test]
fn a_guest_that_logs_without_end_is_cut_short() {
    let body = "(local $n i32) (loop
        (call $log (i32.const 2) (i32.const 16384) (i32.const 40000) (i32.const 0) (i32.const 0))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if 0 (i32.lt_u (local.get $n) (i32.const 1000))))";
    let mut instance = Bench::new().instance(&handler(LOG, body));
    let (answer, attempt) = instance.call(&event(), Attempt::default());
    assert_eq!(answer, Answer::Done);
    assert_eq!(attempt.lines.len(), 201);
    assert!(attempt.lines.iter().all(|(_, line)| line.len() <= 4 * 1024 + 3));
    assert_eq!(
        attempt.lines.last().map(|(level, line)| (*level, line.as_str())),
        Some((
            LogLevel::Warn,
            "further lines of this attempt are omitted; 200 are allowed (setting `limits.max_log_lines`)"
        ))
    );
}
