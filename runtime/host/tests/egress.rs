//! Ways out: who gets one, and how a call that waits behaves.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up shall stop")]

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use camshaft_event::{Answer, Delivery, Event, FailureCause, Sink};
use camshaft_host::{Host, HostOptions, OperatorFile, Outbox, Plugin, Refusal, RefusalCode, Sent, WaysOut};
use camshaft_test_guests::component;

#[path = "host/support.rs"]
#[expect(dead_code, reason = "the guests in WebAssembly text are for the other tests")]
mod support;

use support::Attempt;

const GRANT: &str = "grants = ['test-outbox']";

fn host(outbox: Option<Outbox>, folder: &tempfile::TempDir) -> Host {
    let options =
        HostOptions { ways_out: WaysOut { outbox, ..WaysOut::default() }, ..HostOptions::new(folder.path()) };
    Host::new(options).unwrap()
}

fn load(host: &Host, operator: &str) -> Result<Plugin, Refusal> {
    let file = component("sends");
    let operator = OperatorFile::parse(&file.with_extension("toml"), operator)?;
    host.load(file, Some(&operator))
}

fn refusal(host: &Host, operator: &str) -> (RefusalCode, String) {
    let refusal = load(host, operator).err().expect("it should be refused");
    (refusal.code, refusal.to_string())
}

fn event() -> Event {
    Event { event_type: "test.event".into(), data: b"hello".to_vec(), ..support::event() }
}

fn silent() -> Option<Outbox> {
    Some(Outbox::new(|_| pending()))
}

#[test]
fn a_capability_that_does_not_exist_is_refused_in_these_words_granted_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(None, &folder);
    for operator in ["", GRANT] {
        let (code, message) = refusal(&host, operator);
        assert_eq!(code, RefusalCode::UnknownCapability);
        assert_eq!(
            message,
            "plugin \"sends\" requests capability \"test-outbox\", which this camshaft does not have"
        );
    }
}

#[test]
fn a_way_out_needs_a_grant() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(silent(), &folder);
    let (code, message) = refusal(&host, "");
    assert_eq!(code, RefusalCode::CapabilityNotGranted);
    assert!(message.contains("\"test-outbox\", which is not granted"), "{message}");
    let plugin = load(&host, GRANT).unwrap();
    assert!(plugin.has_way_out());
    assert_eq!(plugin.manifest().policy.sink, Some(Sink::default()));
    assert_eq!(
        plugin.manifest().limits.deadline_ms,
        8_000,
        "it may have to wait, but not for longer than a runtime that stops"
    );
}

#[test]
fn the_operator_says_how_its_calls_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(silent(), &folder);
    let operator = format!("{GRANT}\n[policy]\ndelivery = 'at-most-once'\nmax_in_flight = 3");
    let sink = load(&host, &operator).unwrap().manifest().policy.sink;
    assert_eq!(sink, Some(Sink { delivery: Delivery::AtMostOnce, max_in_flight: 3 }));
    for (key, part) in [("max_in_flight = 0", "1 to 128"), ("max_in_flight = 129", "1 to 128")] {
        let (code, message) = refusal(&host, &format!("{GRANT}\n[policy]\n{key}"));
        assert_eq!(code, RefusalCode::InvalidManifest);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn who_has_no_way_out_has_no_delivery_to_choose() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(silent(), &folder);
    for key in ["delivery = 'at-most-once'", "max_in_flight = 3"] {
        let file = component("echo");
        let operator =
            OperatorFile::parse(&file.with_extension("toml"), &format!("[policy]\n{key}")).unwrap();
        let refusal = host.load(file, Some(&operator)).err().unwrap();
        assert_eq!(refusal.code, RefusalCode::InvalidManifest);
        assert!(refusal.message.contains("is for sinks"), "{refusal}");
    }
}

#[test]
fn what_a_guest_sends_gets_out_and_the_reply_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let seen: Arc<Mutex<Vec<Sent>>> = Arc::default();
    let outbox = {
        let seen = Arc::clone(&seen);
        Outbox::new(move |sent| {
            seen.lock().unwrap().push(sent);
            std::future::ready(Ok(b"thanks".to_vec()))
        })
    };
    let plugin = load(&host(Some(outbox), &folder), GRANT).unwrap();
    let prepared = plugin.prepare::<Attempt>().unwrap();
    let mut instance = finish(prepared.instantiate_async()).unwrap();
    let (answer, attempt) = finish(instance.call_async(&event(), Attempt::default()));
    assert_eq!(answer, Answer::Done);
    assert_eq!(attempt.published[0].data, b"\"thanks\"");
    let seen = seen.lock().unwrap();
    assert_eq!((seen[0].key.as_str(), seen[0].data.as_slice()), ("/tests e-1", &b"hello"[..]));
    assert!(!instance.is_spent());
}

#[test]
fn a_call_that_waits_gives_its_thread_away_until_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let opened = Arc::new(AtomicU32::new(0));
    let gate = Arc::clone(&opened);
    let outbox = Outbox::new(move |_| {
        let gate = Arc::clone(&gate);
        std::future::poll_fn(move |_| match gate.load(Ordering::Acquire) {
            0 => Poll::Pending,
            _ => Poll::Ready(Ok(Vec::new())),
        })
    });
    let plugin = load(&host(Some(outbox), &folder), GRANT).unwrap();
    let prepared = plugin.prepare::<Attempt>().unwrap();
    let mut instance = finish(prepared.instantiate_async()).unwrap();
    let event = event();
    let mut call = pin!(instance.call_async(&event, Attempt::default()));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut cx).is_pending());
    opened.store(1, Ordering::Release);
    let Poll::Ready((answer, _)) = call.as_mut().poll(&mut cx) else { panic!("it goes on") };
    assert_eq!(answer, Answer::Done);
}

#[test]
fn the_deadline_of_a_sink_has_a_bound_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(silent(), &folder);
    assert!(load(&host, &format!("{GRANT}\n[limits]\ndeadline = '60s'")).is_ok());
    let refusal = load(&host, &format!("{GRANT}\n[limits]\ndeadline = '61s'")).err().unwrap();
    assert!(refusal.message.ends_with("61000 ms, but this runtime allows 60000 ms"), "{}", refusal.message);
    assert!(refusal.hint.contains("`limits.max_sink_deadline`"), "{}", refusal.hint);
}

#[test]
fn a_call_that_waits_is_ended_by_the_ticks_of_its_deadline_and_by_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(silent(), &folder);
    let plugin = load(&host, &format!("{GRANT}\n[limits]\ndeadline = '50ms'")).unwrap();
    let prepared = plugin.prepare::<Attempt>().unwrap();
    let mut instance = finish(prepared.instantiate_async()).unwrap();
    let event = event();
    {
        let mut call = pin!(instance.call_async(&event, Attempt::default()));
        let mut cx = Context::from_waker(Waker::noop());
        // Five ticks of 10 ms, and the one that was running.
        for _ in 0..6 {
            assert!(call.as_mut().poll(&mut cx).is_pending());
            host.tick();
        }
        let Poll::Ready((answer, _)) = call.as_mut().poll(&mut cx) else { panic!("the deadline passes") };
        let Answer::Failed { cause, error } = answer else { panic!("it failed: {answer:?}") };
        assert_eq!(cause, FailureCause::Deadline);
        assert!(error.contains("exceeded its deadline of 50ms"), "{error}");
    }
    assert!(instance.is_spent());
}

/// What `work` comes to; it waits for nothing.
fn finish<T>(work: impl Future<Output = T>) -> T {
    let (mut work, mut cx) = (pin!(work), Context::from_waker(Waker::noop()));
    loop {
        if let Poll::Ready(outcome) = work.as_mut().poll(&mut cx) {
            return outcome;
        }
    }
}
