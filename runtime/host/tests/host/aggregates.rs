//! Aggregates where those that a real toolchain compiles do not go: worlds that are mixed, imports of other
//! worlds, scopes that are none, answers of any length.

use camshaft_event::{Answer, EffectError, FailureCause, Limit, LogLevel, Scope};
use camshaft_host::{Refusal, RefusalCode};

use crate::support::{AGGREGATE, Attempt, Bench, MANIFEST, aggregate, event, handler, with_manifest};

const LOAD: &str =
    r#"(import "camshaft:plugin/scopes@0.2.0" "load" (func $load (param i32 i32 i32 i32 i32)))"#;
const LOG: &str = r#"(import "camshaft:plugin/logging@0.1.0" "log" (func $log (param i32 i32 i32 i32 i32)))"#;
const NOW: &str = r#"(import "camshaft:plugin/context@0.1.0" "now-ms" (func $now (result i64)))"#;
const THING: &str = r#"(data (i32.const 512) "thing")"#;

/// A component that exports `exports` and imports the interfaces `imports`, each with one function.
fn component(imports: &[&str], exports: &[&str], manifest: &str) -> Vec<u8> {
    let import = |name: &&str| format!(r#"(import "{name}" (instance (export "open" (func))))"#);
    let function = |name: &&str| format!(r#"(func (export "{name}"))"#);
    let export = |name: &&str| format!(r#"(func (export "{name}") (canon lift (core func $i "{name}")))"#);
    let text = format!(
        r#"(component {}
             (import "camshaft:plugin/types@0.1.0" (instance)) (import "camshaft:plugin/deciding@0.2.0" (instance))
             (core module $m {}) (core instance $i (instantiate $m)) {})"#,
        imports.iter().map(import).collect::<String>(),
        exports.iter().map(function).collect::<String>(),
        exports.iter().map(export).collect::<String>(),
    );
    with_manifest(wat::parse_str(text).unwrap(), &[manifest])
}

#[track_caller]
fn check(refusal: &Refusal, code: RefusalCode, end: &str) {
    assert!(refusal.code == code && refusal.message.ends_with(end), "{code} {end:?}: {refusal:?}");
}

#[test]
fn a_plugin_is_of_one_world_with_all_its_exports() {
    let world = "camshaft:plugin/aggregate";
    for (exports, end) in [
        (
            &["handle", "decide"][..],
            format!(
                "exports \"handle\" of the world camshaft:plugin/handler and \"decide\" of the world {world}"
            ),
        ),
        (
            &["evolve", "handle"],
            format!(
                "exports \"handle\" of the world camshaft:plugin/handler and \"evolve\" of the world {world}"
            ),
        ),
        (&["decide"], format!("exports \"decide\" but not \"evolve\" of the world {world}")),
        (&["evolve"], format!("exports \"evolve\" but not \"decide\" of the world {world}")),
    ] {
        let refusal = Bench::new().refusal(&component(&[], exports, AGGREGATE));
        check(&refusal, RefusalCode::UnsupportedWorld, &end);
    }
}

#[test]
fn each_world_gets_its_own_imports() {
    const HANDLER: &[&str] = &["handle"];
    const DECIDER: &[&str] = &["decide", "evolve"];
    for (import, exports, manifest, end) in [
        (
            "camshaft:plugin/state@0.1.0",
            DECIDER,
            AGGREGATE,
            "but an aggregate has no state of its own: its folds are made by `evolve`",
        ),
        (
            "camshaft:plugin/publisher@0.1.0",
            DECIDER,
            AGGREGATE,
            "but an aggregate publishes nothing except the facts that `decide` returns",
        ),
        ("wasi:http/outgoing-handler@0.2.3", DECIDER, AGGREGATE, "but an aggregate has no way out"),
        ("camshaft:plugin/secrets@0.2.0", DECIDER, AGGREGATE, "which this camshaft does not provide"),
        ("camshaft:plugin/config@0.2.0", DECIDER, AGGREGATE, "which this camshaft does not provide"),
        ("camshaft:plugin/scopes@0.2.0", HANDLER, MANIFEST, "but only an aggregate has scopes"),
    ] {
        let bench = Bench::new();
        let guest = component(&[import], exports, manifest);
        let refusal = bench.refusal(&guest);
        check(&refusal, RefusalCode::UnknownImport, &format!("\"{import}\", {end}"));
        let report = bench.host.check(&bench.file("probe.wasm", &guest), None).unwrap();
        assert_eq!(report.refused_imports.first().map(String::as_str), Some(import));
    }
}

#[test]
fn the_manifest_is_of_the_plugins_world() {
    let bench = Bench::new();
    let refusal = bench.refusal(&component(&[], &["handle"], AGGREGATE));
    let end = "plugin \"probe\" is a handler, but its manifest has [[commands]]";
    check(&refusal, RefusalCode::InvalidManifest, end);
    let refusal = bench.refusal(&component(&[], &["decide", "evolve"], MANIFEST));
    let end = "plugin \"probe\" is an aggregate, but its manifest has no [[commands]]";
    check(&refusal, RefusalCode::InvalidManifest, end);
}

#[test]
fn functions_of_other_types_do_not_fit_the_contract() {
    let refusal = Bench::new().refusal(&component(&[], &["decide", "evolve"], AGGREGATE));
    assert_eq!(refusal.code, RefusalCode::UnsupportedContractVersion);
    assert!(refusal.message.contains("does not match the contract 0.2.0: "), "{refusal}");
}

/// Loads a scope, which is refused, and answers `reject` with a reason as long as the error's case.
fn refused_load(refuse: EffectError) -> Answer {
    let decide = "(call $load (i32.const 512) (i32.const 5) (i32.const 512) (i32.const 5) (i32.const 600))
        (if (i32.eqz (i32.load8_u (i32.const 600))) (then unreachable))
        (i32.store8 (i32.const 64) (i32.const 1)) (i32.store8 (i32.const 72) (i32.const 1))
        (i32.store (i32.const 80) (i32.const 512))
        (i32.store (i32.const 84) (i32.load8_u offset=4 (i32.const 600)))";
    let mut instance = Bench::new().instance(&aggregate(&format!("{LOAD}{THING}"), decide, ""));
    instance.call(&event(), Attempt { refuse: Some(refuse), ..Attempt::default() }).0
}

#[test]
fn a_load_that_is_refused_is_the_contracts_own_case() {
    let limit = |kind| EffectError::Limit { kind, actual: 9, limit: 5 };
    for (refusal, case) in [
        (limit(Limit::ScopeName), 0),
        (limit(Limit::Scopes), 1),
        (limit(Limit::Attempt), 2),
        (EffectError::NoCommand, 2),
    ] {
        match refused_load(refusal) {
            Answer::Reject { reason } => assert_eq!(reason.len(), case),
            other => panic!("{case}: {other:?}"),
        }
    }
    let stale = EffectError::StaleFold { scope: Scope::new("thing", "thing").unwrap() };
    for (refusal, part) in [
        (stale, "the fold of scope \"thing/thing\" was made by code of another revision"),
        (EffectError::Unavailable { reason: "the disk is gone".into() }, "the disk is gone"),
    ] {
        match refused_load(refusal) {
            Answer::Failed { cause: FailureCause::Trap, error } => assert!(error.contains(part), "{error}"),
            other => panic!("{part}: {other:?}"),
        }
    }
}

#[test]
fn a_scope_that_is_none_ends_the_attempt_whatever_the_guest_answers() {
    // The kind is three bytes of zero.
    let load = "(call $load (i32.const 700) (i32.const 3) (i32.const 512) (i32.const 5) (i32.const 600))
        (if (i32.load8_u offset=4 (i32.const 600)) (then unreachable))
        (call $log (i32.const 2) (i32.const 512) (i32.const 5) (i32.const 0) (i32.const 0))";
    for decide in [load.to_owned(), format!("{load} {load}"), format!("{load} (unreachable)")] {
        let mut instance = Bench::new().instance(&aggregate(&format!("{LOAD}{LOG}{THING}"), &decide, ""));
        let (answer, attempt) = instance.call(&event(), Attempt::default());
        let reason = "scope kind \"\\0\\0\\0\" is not valid; lower-case letters, digits, \"-\" and \"_\" \
                      are allowed";
        assert_eq!(answer, Answer::Reject { reason: reason.into() });
        assert_eq!((attempt.answer, attempt.lines), (None, vec![(LogLevel::Info, "thing".to_owned())]));
        assert!(instance.is_spent());
    }
}

/// One fact of type `thing` about the scope whose kind and id are texts of memory, each as address and
/// length.
fn one_fact((kind, kind_bytes): (u32, u32), (id, id_bytes): (u32, u32)) -> String {
    let store = |at: u32, value: u32| format!("(i32.store (i32.const {at}) (i32.const {value}))");
    // The answer has one fact, at 1024: its type is at 0, its scopes are at 84.
    let stores = [(76, 1024), (80, 1), (1024, 512), (1028, 5), (1108, 1200), (1112, 1)];
    let scope = [(1200, kind), (1204, kind_bytes), (1208, id), (1212, id_bytes)];
    stores.into_iter().chain(scope).map(|(at, value)| store(at, value)).collect()
}

#[test]
fn a_fact_about_a_scope_that_is_none_rejects_the_command() {
    for (kind, id, why) in [
        ((700, 3), (512, 5), "scope kind \"\\0\\0\\0\" is not valid; "),
        ((512, 5), (512, 0), "the id of a scope of kind \"thing\" is empty"),
    ] {
        let mut instance = Bench::new().instance(&aggregate(THING, &one_fact(kind, id), ""));
        let (answer, attempt) = instance.call(&event(), Attempt::default());
        let Answer::Reject { reason } = answer else { panic!("{answer:?}") };
        let start = format!("the scopes of fact \"thing\" are not valid: {why}");
        assert!(reason.starts_with(&start), "{reason}");
        assert_eq!((attempt.answer, attempt.facts.len()), (None, 0));
    }
}

#[test]
fn a_refusal_of_any_length_is_kept_within_bounds() {
    let store = |at: u32, value: u32| format!("(i32.store (i32.const {at}) (i32.const {value}))");
    let places = [(76, 65_536), (80, 2_000_000), (84, 65_536), (88, 2_000_000), (92, 512), (96, 5)];
    let stores: String = places.into_iter().map(|(at, value)| store(at, value)).collect();
    let decide =
        format!("(drop (memory.grow (i32.const 40))) (i32.store8 (i32.const 72) (i32.const 1)) {stores}");
    let mut instance = Bench::new().instance(&aggregate(THING, &decide, ""));
    let (answer, attempt) = instance.call(&event(), Attempt::default());
    let refusal = attempt.answer.unwrap().unwrap_err();
    assert_eq!((answer, refusal.code.len(), refusal.message.len()), (Answer::Done, 256, 8 * 1024));
    assert_eq!(refusal.data.as_ref(), b"thing");
}

#[test]
fn a_decision_that_is_too_large_to_be_read_is_a_trap() {
    // A reply of nine megabytes.
    let decide = "(drop (memory.grow (i32.const 160))) (i32.store (i32.const 88) (i32.const 9000000))";
    let mut instance = Bench::new().instance(&aggregate("", decide, ""));
    let (answer, attempt) = instance.call(&event(), Attempt::default());
    assert!(matches!(answer, Answer::Failed { cause: FailureCause::Trap, .. }), "{answer:?}");
    assert_eq!(attempt.answer, None);
}

#[test]
fn what_is_kept_for_the_attempt_counts_to_the_memory_of_evolve() {
    let evolve = "(if (i32.eq (memory.grow (i32.const 10)) (i32.const -1)) (then (unreachable)))";
    for (kept_bytes, fits) in [(200 * 1024, true), (400 * 1024, false)] {
        let bench = Bench::new();
        let guest = aggregate(THING, &one_fact((512, 5), (512, 5)), evolve);
        let plugin = bench.load_with(&guest, "[limits]\nmemory = '1MiB'").unwrap();
        let mut instance = plugin.prepare().unwrap().instantiate().unwrap();
        match instance.call(&event(), Attempt { kept_bytes, ..Attempt::default() }).0 {
            Answer::Done => assert!(fits, "{kept_bytes}"),
            Answer::Reject { reason } => {
                assert!(!fits && reason.contains("`evolve` requested "), "{reason}");
            }
            other => panic!("it became {other:?}"),
        }
    }
}

#[test]
fn evolve_cannot_read_the_clock_that_decide_reads() {
    let call = "(drop (call $now))";
    let guest = aggregate(&format!("{NOW}{THING}"), &format!("{call}{}", one_fact((512, 5), (512, 5))), call);
    let Answer::Reject { reason } = Bench::new().instance(&guest).call(&event(), Attempt::default()).0 else {
        panic!("`evolve` should fail");
    };
    assert!(reason.contains("`evolve` called an import"), "{reason}");
}

#[test]
fn a_handler_makes_no_folds() {
    let made = std::panic::catch_unwind(|| {
        let thing = Scope::new("thing", "9").unwrap();
        Bench::new().instance(&handler("", "")).evolve(&thing, None, &[])
    });
    assert!(made.is_err());
}
