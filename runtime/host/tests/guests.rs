//! Plugins written with the SDK, compiled by a real toolchain: what their authors and operators see.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up shall stop")]

use camshaft_event::{Answer, Event, FailureCause, LogLevel};
use camshaft_host::{Instance, RefusalCode};
use camshaft_test_guests::component;

#[path = "guests/aggregates.rs"]
mod aggregates;
#[path = "host/support.rs"]
#[expect(dead_code, reason = "the guests in WebAssembly text are for the other tests")]
mod support;

use support::{Attempt, Bench};

fn instance(name: &str) -> Instance<Attempt> {
    let bench = Bench::new();
    let plugin = bench.host.load(component(name), None).unwrap();
    plugin.prepare().unwrap().instantiate().unwrap()
}

fn event(event_type: &str, data: &str) -> Event {
    Event { event_type: event_type.into(), data: data.into(), ..support::event() }
}

fn published(attempt: &Attempt) -> Vec<(&str, String)> {
    let text = |data: &[u8]| String::from_utf8(data.to_vec()).unwrap();
    attempt.published.iter().map(|event| (event.event_type.as_str(), text(&event.data))).collect()
}

fn failed(answer: Answer) -> (FailureCause, String) {
    match answer {
        Answer::Failed { cause, error } => (cause, error),
        other => panic!("a failed attempt was expected, not {other:?}"),
    }
}

#[track_caller]
fn check_refused(name: &str, code: RefusalCode, part: &str) {
    let refusal = Bench::new().host.load(component(name), None).err().expect("it should be refused");
    assert_eq!(refusal.code, code, "{refusal}");
    assert!(refusal.message.contains(part), "{refusal}");
}

#[test]
fn one_instance_handles_event_after_event_in_the_same_memory() {
    let mut remembers = instance("remembers");
    for seen in ["1", "2", "3"] {
        let (answer, attempt) = remembers.call(&event("test.event", ""), Attempt::default());
        assert_eq!((answer, published(&attempt)), (Answer::Done, vec![("test.seen", seen.to_owned())]));
    }
}

#[test]
fn state_is_read_and_written_through_the_attempt() {
    let mut counter = instance("counter");
    let mut attempt = Attempt::default();
    for _ in 0..3 {
        let (answer, back) = counter.call(&event("test.event", ""), attempt);
        assert_eq!(answer, Answer::Done);
        attempt = back;
    }
    let keys: Vec<_> = attempt.state.iter().map(|(key, value)| (key.as_slice(), value.as_slice())).collect();
    assert_eq!(keys, [(b"key/thing-7".as_slice(), [3].as_slice()), (b"total", &[3])]);
}

#[test]
fn a_scan_pages_through_the_state() {
    let mut scans = instance("scans");
    let pairs: Vec<String> =
        (0..150).map(|number| format!("{{\"key\":\"p/{number:03}\",\"value\":{number}}}")).collect();
    let put = event("test.put", &format!("[{}]", pairs.join(",")));
    let (answer, attempt) = scans.call(&put, Attempt::default());
    assert_eq!(answer, Answer::Done);
    let (answer, attempt) = scans.call(&event("test.scan", "\"p/\""), attempt);
    assert_eq!(answer, Answer::Done);
    let [(_, found)] = <[_; 1]>::try_from(published(&attempt)).unwrap();
    assert!(found.starts_with("[[\"p/000\",0],[\"p/001\",1],"), "{found}");
    assert!(found.ends_with("[\"p/149\",149],[\"p/~\",0]]"), "{found}");
    assert_eq!(found.matches("[\"").count(), 151);
}

#[test]
fn a_guest_finds_out_about_its_attempt_and_nothing_else() {
    let (answer, attempt) = instance("tells-facts").call(&event("test.event", ""), Attempt::default());
    assert_eq!(answer, Answer::Done);
    assert_eq!(
        published(&attempt)[0].1,
        "{\"attempt\":3,\"offset\":42,\"generation\":2,\"consumer\":\"probe\",\"now_ms\":1357000000123,\
         \"random\":[171,171,171,171,171,171,171,171,171,171,171,171,171,171,171,171],\
         \"random_again\":12370169555311111083,\"subject\":\"thing-7\",\"key\":\"thing-7\",\"correlation\":\"c-1\"}"
    );
}

#[test]
fn settings_reach_the_guest() {
    let (_, attempt) =
        instance("reads-config").call(&event("test.event", "\"greeting\""), Attempt::default());
    assert_eq!(published(&attempt)[0].1, "{\"key\":\"greeting\",\"value\":\"hello\"}");
    let plugin = Bench::new().host.load(component("reads-config"), None).unwrap();
    assert_eq!(plugin.manifest().config.get("whom").map(String::as_str), Some("world"));
}

#[test]
fn timers_are_set_and_cancelled() {
    let mut timers = instance("timers");
    let schedule = event("test.schedule", "{\"name\":\"tea\",\"after_ms\":3000}");
    let (answer, attempt) = timers.call(&schedule, Attempt::default());
    assert_eq!(answer, Answer::Done);
    assert_eq!(
        attempt.timers.get("tea").map(|(event, at)| (event.event_type.as_str(), *at)),
        Some(("test.alarm", 1_357_000_003_123))
    );
    let (answer, attempt) = timers.call(&event("test.cancel", "\"tea\""), attempt);
    assert_eq!((answer, attempt.timers.len()), (Answer::Done, 0));
}

#[test]
fn a_retry_with_a_delay_and_a_rejection_are_answers() {
    let (answer, _) = instance("retries")
        .call(&event("test.event", "{\"succeed_at\":9,\"after_ms\":1500}"), Attempt::default());
    assert_eq!(answer, Answer::Retry { after_ms: Some(1500), reason: "attempt 3 is too early".into() });
    let (answer, _) = instance("rejects").call(&event("test.event", "{\"reject\":true}"), Attempt::default());
    assert_eq!(answer, Answer::Reject { reason: "the data asks to be rejected".into() });
    let (answer, _) = instance("rejects").call(&event("test.event", "no JSON"), Attempt::default());
    assert!(matches!(answer, Answer::Reject { .. }), "undecodable data is rejected: {answer:?}");
}

#[test]
fn a_panic_is_told_with_its_message_its_place_and_the_authors_functions() {
    let (answer, attempt) = instance("panics").call(&event("test.event", ""), Attempt::default());
    let (cause, error) = failed(answer);
    assert_eq!(cause, FailureCause::Trap);
    let lines: Vec<&str> = error.lines().collect();
    assert!(
        lines[0].starts_with("the handler trapped: panicked at ") && lines[0].contains("panics.rs:"),
        "{error}"
    );
    assert!(lines[0].ends_with(": no flux in event e-1"), "{error}");
    assert_eq!(lines[1], "backtrace, innermost call first:");
    assert!(lines[2].ends_with("panics::flux_of"), "{error}");
    assert!(lines[3].ends_with("panics::measure"), "{error}");
    assert_eq!(lines.len(), 4, "{error}");
    assert!(attempt.lines.iter().any(|(level, line)| *level == LogLevel::Error && line.contains("no flux")));
}

#[test]
fn a_silent_trap_still_has_a_backtrace() {
    let (cause, error) = failed(instance("traps").call(&event("test.event", ""), Attempt::default()).0);
    assert_eq!(cause, FailureCause::Trap);
    assert!(error.contains("\nbacktrace, innermost call first:\n   0: "), "{error}");
}

#[test]
fn memory_and_stack_are_bounded() {
    let (cause, error) =
        failed(instance("allocates-without-end").call(&event("test.event", ""), Attempt::default()).0);
    assert_eq!(cause, FailureCause::Memory, "{error}");
    assert!(error.contains("limit of 64.0 MiB (setting `limits.memory`)"), "{error}");
    let (cause, error) =
        failed(instance("overflows-stack").call(&event("test.event", "x"), Attempt::default()).0);
    assert_eq!(cause, FailureCause::Stack, "{error}");
    assert!(error.contains("overflows_stack::deeper"), "{error}");
}

#[test]
fn lines_keep_their_level_and_fields() {
    let (_, attempt) = instance("logs").call(&event("test.event", ""), Attempt::default());
    let lines: Vec<(LogLevel, &str)> =
        attempt.lines.iter().map(|(level, line)| (*level, line.as_str())).collect();
    assert_eq!(
        lines,
        [
            (LogLevel::Trace, "trace line"),
            (LogLevel::Debug, "debug line"),
            (LogLevel::Info, "info line id=e-1 attempt=3"),
            (LogLevel::Warn, "warn line"),
            (LogLevel::Error, "error line"),
        ]
    );
}

#[test]
fn wasi_output_goes_to_the_plugins_log() {
    let (answer, attempt) = instance("prints").call(&event("test.event", ""), Attempt::default());
    assert_eq!(answer, Answer::Done);
    let lines: Vec<&str> = attempt.lines.iter().map(|(_, line)| line.as_str()).collect();
    assert_eq!(lines, ["printed to stdout", "printed to stderr"]);
}

#[test]
fn a_plugin_without_the_sdk_works_too() {
    let (answer, attempt) = instance("raw").call(&event("test.event", "data"), Attempt::default());
    assert_eq!(answer, Answer::Done);
    assert_eq!(attempt.state.get(b"last".as_slice()).map(Vec::as_slice), Some(b"data".as_slice()));
}

#[test]
fn plugins_that_cannot_run_are_refused() {
    check_refused("other-world", RefusalCode::UnsupportedWorld, "it exports \"add\"");
    check_refused("later-version", RefusalCode::UnsupportedContractVersion, "camshaft:plugin 9.9.0");
    check_refused("without-manifest", RefusalCode::MissingManifest, "has no manifest");
    check_refused("asks-for-sockets", RefusalCode::UnknownCapability, "requests capability \"sockets\"");
    check_refused("contradicts-itself", RefusalCode::InvalidManifest, "the key `version` has two values");
    check_refused("overlaps", RefusalCode::OverlappingSubscriptions, "\"one\"");
}
