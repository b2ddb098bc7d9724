//! The contract's interfaces where the guests written with the SDK do not go: refusals, misuse, bounds.

use camshaft_event::{Answer, EffectError, FailureCause, Limit};

use crate::support::{Attempt, Bench, MANIFEST, event, handler, module, ticking, with_manifest};

const GET: &str = r#"(import "camshaft:plugin/state@0.1.0" "get" (func $get (param i32 i32 i32)))"#;
const CANCEL: &str =
    r#"(import "camshaft:plugin/publisher@0.1.0" "cancel" (func $cancel (param i32 i32 i32)))"#;
const SCAN: &str = r#"(import "camshaft:plugin/state@0.1.0" "scan" (func $scan (param i32 i32 i32)))
    (import "camshaft:plugin/state@0.1.0" "[method]cursor.next-page"
      (func $next-page (param i32 i32 i32)))"#;
const RANDOM: &str = r#"(import "camshaft:plugin/context@0.1.0" "random" (func $random (param i32 i32)))"#;
const OFFSET: &str = r#"(import "camshaft:plugin/context@0.1.0" "offset" (func $offset (result i64)))"#;

fn trapped(answer: Answer) -> String {
    match answer {
        Answer::Failed { cause: FailureCause::Trap, error } => error,
        other => panic!("a trap was expected, not {other:?}"),
    }
}

/// Calls a function that is refused, and answers `reject` with as many bytes of memory as the error's case
/// number says.
fn refused(import: &str, function: &str, refuse: EffectError) -> Answer {
    let body = format!(
        "(call {function} (i32.const 512) (i32.const 3) (i32.const 600))
        (if (i32.eqz (i32.load8_u (i32.const 600))) (then unreachable))
        (i32.store8 (i32.const 64) (i32.const 1)) (i32.store8 (i32.const 72) (i32.const 1))
        (i32.store (i32.const 80) (i32.const 512))
        (i32.store (i32.const 84) (i32.load8_u offset=4 (i32.const 600)))"
    );
    let mut instance = Bench::new().instance(&handler(import, &body));
    instance.call(&event(), Attempt { refuse: Some(refuse), ..Attempt::default() }).0
}

#[track_caller]
fn check_case(answer: Answer, case: usize) {
    match answer {
        Answer::Reject { reason } => assert_eq!(reason.len(), case),
        other => panic!("it became {other:?}"),
    }
}

#[test]
fn each_refusal_is_the_contracts_own_case() {
    let limit = |kind| EffectError::Limit { kind, actual: 9, limit: 5 };
    let (odd, empty) = (|| "odd".to_owned(), |kind| EffectError::Empty { kind, limit: 5 });
    for (refusal, case) in [
        (EffectError::UndeclaredType { event_type: odd() }, 0),
        (EffectError::InvalidEvent { reason: odd() }, 1),
        (limit(Limit::Event), 2),
        (limit(Limit::Timers), 3),
        (limit(Limit::Transaction), 4),
        (empty(Limit::TimerName), 5),
        (limit(Limit::TimerName), 5),
        (EffectError::Hops { limit: 5, chain: odd() }, 6),
    ] {
        check_case(refused(CANCEL, "$cancel", refusal), case);
    }
    for (refusal, case) in [
        (empty(Limit::StateKey), 0),
        (limit(Limit::StateKey), 0),
        (limit(Limit::StateValue), 1),
        (limit(Limit::Transaction), 2),
        (limit(Limit::Attempt), 3),
        (EffectError::InvalidEvent { reason: odd() }, 3),
    ] {
        check_case(refused(GET, "$get", refusal), case);
    }
    // The prefix of a scan is looked at before a cursor keeps it.
    check_case(refused(SCAN, "$scan", limit(Limit::StateKey)), 0);
}

#[test]
fn tables_that_cannot_be_read_end_the_call_at_once() {
    let unavailable = EffectError::Unavailable { reason: "the disk is gone".into() };
    let error = trapped(refused(GET, "$get", unavailable));
    assert!(error.contains("the runtime could not read its tables: the disk is gone"), "{error}");
}

#[test]
fn a_cursor_ends_with_its_attempt() {
    let body = "(if (i32.eqz (i32.load (i32.const 700))) (then
          (call $scan (i32.const 512) (i32.const 0) (i32.const 600))
          (i32.store (i32.const 700) (i32.load offset=4 (i32.const 600)))))
        (call $next-page (i32.load (i32.const 700)) (i32.const 0) (i32.const 640))";
    let mut instance = Bench::new().instance(&handler(SCAN, body));
    assert_eq!(instance.call(&event(), Attempt::default()).0, Answer::Done);
    let error = trapped(instance.call(&event(), Attempt::default()).0);
    assert!(error.contains("a state cursor of an earlier attempt was used"), "{error}");
}

#[test]
fn a_guest_cannot_hold_cursors_without_end() {
    let body = "(loop (call $scan (i32.const 512) (i32.const 0) (i32.const 600)) (br 0))";
    let mut instance = Bench::new().instance(&handler(SCAN, body));
    let error = trapped(instance.call(&event(), Attempt::default()).0);
    assert!(error.contains("resource table has no free keys"), "{error}");
}

#[test]
fn more_random_bytes_than_the_contract_allows_are_a_trap() {
    let mut instance =
        Bench::new().instance(&handler(RANDOM, "(call $random (i32.const 65537) (i32.const 600))"));
    let error = trapped(instance.call(&event(), Attempt::default()).0);
    assert!(
        error.contains("65537 random bytes were requested, but one call returns at most 65536"),
        "{error}"
    );
}

#[test]
fn a_guest_that_asks_for_the_attempt_while_it_starts_is_refused() {
    let body = r#"(func $start (drop (call $offset))) (start $start)
        (func (export "handle") (param i32) (result i32) (i32.const 64))"#;
    let refusal = Bench::new().refusal(&with_manifest(module(OFFSET, body), &[MANIFEST]));
    let expected = "the guest called the host while no event was being handled";
    assert!(refusal.message.contains(expected), "{refusal}");
}

#[test]
fn a_reason_of_any_length_is_kept_within_bounds() {
    let body = "(drop (memory.grow (i32.const 40)))
        (i32.store8 (i32.const 64) (i32.const 1)) (i32.store8 (i32.const 72) (i32.const 1))
        (i32.store (i32.const 80) (i32.const 65536)) (i32.store (i32.const 84) (i32.const 2000000))";
    let mut instance = Bench::new().instance(&handler("", body));
    match instance.call(&event(), Attempt::default()).0 {
        Answer::Reject { reason } => assert_eq!(reason.len(), 8 * 1024),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reason_that_is_no_text_is_a_trap_and_not_the_hosts_problem() {
    let body = "(i32.store (i32.const 512) (i32.const -1))
        (i32.store8 (i32.const 64) (i32.const 1)) (i32.store8 (i32.const 72) (i32.const 1))
        (i32.store (i32.const 80) (i32.const 512)) (i32.store (i32.const 84) (i32.const 4))";
    for (at, expected) in [("512", "utf-8"), ("-8", "out of bounds")] {
        let body = body.replacen(
            "(i32.store (i32.const 80) (i32.const 512))",
            &format!("(i32.store (i32.const 80) (i32.const {at}))"),
            1,
        );
        let error = trapped(Bench::new().instance(&handler("", &body)).call(&event(), Attempt::default()).0);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn an_instance_over_the_limit_of_instances_is_answered_as_such() {
    let bench = Bench::new();
    let prepared = bench.load(&handler("", "")).unwrap().prepare::<Attempt>().unwrap();
    let alive: Vec<_> = (0..16).map(|_| prepared.instantiate().unwrap()).collect();
    let error = prepared.instantiate().err().unwrap();
    assert!(matches!(error, camshaft_host::InstantiateError::TooManyInstances), "{error}");
    drop(alive);
    assert!(prepared.instantiate().is_ok());
}

#[test]
fn a_call_after_a_refusal_ends_the_attempt_and_log_lines_get_through() {
    let log = r#"(import "camshaft:plugin/logging@0.1.0" "log" (func $log (param i32 i32 i32 i32 i32)))"#;
    let get = "(call $get (i32.const 512) (i32.const 3) (i32.const 600))";
    let body = format!(
        "{get} (call $log (i32.const 2) (i32.const 512) (i32.const 0) (i32.const 0) (i32.const 0)) {get}"
    );
    let refuse = Some(EffectError::Empty { kind: Limit::StateKey, limit: 5 });
    let mut instance = Bench::new().instance(&handler(&format!("{GET}{log}"), &body));
    let (answer, attempt) = instance.call(&event(), Attempt { refuse, ..Attempt::default() });
    let error = trapped(answer);
    assert!(
        error
            .contains("the guest continued after a refused effect, which ends its attempt: state key length"),
        "{error}"
    );
    assert_eq!(attempt.lines.len(), 1);
}

#[test]
fn a_host_call_that_takes_many_steps_ends_at_the_deadline() {
    let body = "(call $scan (i32.const 512) (i32.const 0) (i32.const 600))
        (call $next-page (i32.load offset=4 (i32.const 600)) (i32.const 0) (i32.const 640))";
    let bench = Bench::new();
    let plugin = bench.load_with(&handler(SCAN, body), "[limits]\ndeadline = '20ms'").unwrap();
    let mut instance = plugin.prepare().unwrap().instantiate().unwrap();
    let attempt = Attempt { has_deleted: true, ..Attempt::default() };
    let (answer, _) = ticking(&bench.host, || instance.call(&event(), attempt));
    match answer {
        Answer::Failed { cause, .. } => assert_eq!(cause, FailureCause::Deadline),
        other => panic!("it became {other:?}"),
    }
}

#[test]
fn what_is_kept_for_an_attempt_counts_to_the_memory_of_its_instance() {
    let body = "(if (i32.eq (memory.grow (i32.const 10)) (i32.const -1)) (then (unreachable)))";
    for (kept_bytes, fits) in [(0, true), (200 * 1024, true), (400 * 1024, false)] {
        let bench = Bench::new();
        let plugin = bench.load_with(&handler("", body), "[limits]\nmemory = '1MiB'").unwrap();
        let mut instance = plugin.prepare().unwrap().instantiate().unwrap();
        match instance.call(&event(), Attempt { kept_bytes, ..Attempt::default() }).0 {
            Answer::Done => assert!(fits, "{kept_bytes}"),
            Answer::Failed { cause: FailureCause::Memory, error } => {
                assert!(!fits && error.contains("(setting `limits.memory`)"), "{error}");
            }
            other => panic!("it became {other:?}"),
        }
    }
}
