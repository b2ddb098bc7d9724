//! Hostile plugins cannot exceed the memory bounds: the process stays within `memory`, the memory limits of
//! its instances, and 64 MiB. There is one guest per way to make the runtime keep data; each runs in a real
//! process.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "../process/http.rs"]
#[expect(dead_code, reason = "shared with the tests of the process")]
mod http;
#[path = "../cli/process.rs"]
#[expect(dead_code, reason = "shared with the tests of the command line")]
mod process;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use http::Http;
use process::{Runtime, write};

const MIB: u64 = 1 << 20;

/// `memory` of the process, and its allowance besides that and its instances: code, stacks, allocator.
const MEMORY_MIB: u64 = 256;
const REST_MIB: u64 = 64;

const WORKERS: u64 = 2;

/// The settings of one test.
struct Case {
    guest: &'static str,
    /// The operator's file without `[limits]`.
    operator: &'static str,
    deadline: &'static str,
    instance_mib: u64,
    /// Maximum number of live instances.
    instances: u64,
}

/// A handler with one attempt per event.
const ONCE: &str = "[policy]\nmax_attempts = 1\n";

/// A sink with one attempt per event.
const SINK_ONCE: &str = "grants = ['http']\n[[http]]\nhost = '127.0.0.1'\nport = 9\ntls = false\nmethods = ['POST']\n\
                         [policy]\nmax_attempts = 1\nmax_in_flight = 16\n";

impl Case {
    fn handler(guest: &'static str) -> Self {
        Self { guest, operator: ONCE, deadline: "5s", instance_mib: 16, instances: WORKERS }
    }

    fn start(&self) -> (TempDir, Runtime) {
        let folder = tempdir().unwrap();
        let plugins = folder.path().join("plugins");
        fs::create_dir(&plugins).unwrap();
        let Self { guest, operator, deadline, instance_mib, .. } = self;
        fs::copy(camshaft_test_guests::component(guest), plugins.join(format!("{guest}.wasm"))).unwrap();
        let limits = format!("[limits]\ndeadline = \"{deadline}\"\nmemory = \"{instance_mib}MiB\"\n");
        write(&plugins, &format!("{guest}.toml"), &format!("{operator}{limits}"));
        let settings = format!("memory = \"{MEMORY_MIB}MiB\"\nworkers = {WORKERS}\n");
        write(folder.path(), "camshaft.toml", &format!("{settings}[limits]\nmax_deadline = \"1 minute\"\n"));
        let runtime = Runtime::start(folder.path(), &[]);
        (folder, runtime)
    }

    /// Checks the bound after all events are handled. Returns the errors of the dead letters and the stderr
    /// of the process.
    #[track_caller]
    fn check(self, events: u64) -> (Vec<String>, String) {
        let (folder, runtime) = self.start();
        publish(&runtime, "test.event", events);
        self.settle(&runtime, folder.path());
        self.end(runtime)
    }

    fn settle(&self, runtime: &Runtime, folder: &Path) {
        let line = format!("consumers {} --json", self.guest);
        runtime.until(folder, &line, |stdout| {
            ["\"lag\":0,", "\"in_flight\":0,", "\"held\":0,"].iter().all(|none| stdout.contains(none))
        });
    }

    #[track_caller]
    fn end(self, runtime: Runtime) -> (Vec<String>, String) {
        let peak = runtime.peak_memory_bytes();
        let http = Http::new(runtime.url());
        let letters = http.items(&format!("/dead-letters?consumer={}", self.guest));
        let errors = letters.iter().map(|letter| letter["error"].as_str().unwrap().to_owned()).collect();
        let (_, said) = runtime.stop();
        let allowed = (MEMORY_MIB + self.instances * self.instance_mib + REST_MIB) * MIB;
        let guest = self.guest;
        println!("{guest}: at most {} MiB of {} MiB allowed; {errors:?}", peak / MIB, allowed / MIB);
        assert!(peak <= allowed, "{guest}: {} MiB, allowed are {} MiB", peak / MIB, allowed / MIB);
        (errors, said)
    }
}

fn publish(runtime: &Runtime, event_type: &str, events: u64) {
    let http = Http::new(runtime.url());
    let event = |number: u64| -> Value {
        json!({
            "specversion": "1.0", "id": format!("{event_type}-{number:06}"), "source": "/test",
            "type": event_type, "subject": format!("key-{number}"),
        })
    };
    for first in (0..events).step_by(100) {
        let batch: Vec<Value> = (first..events.min(first + 100)).map(event).collect();
        assert_eq!(http.publish(&batch).status, 200);
    }
}

#[track_caller]
fn all_say(errors: &[String], events: usize, text: &str) {
    assert_eq!(errors.len(), events, "{errors:?}");
    assert!(errors.iter().all(|error| error.contains(text)), "{errors:?}");
}

/// `hoards-reads`: reads of absent keys.
#[test]
fn reads_without_end_stay_within_the_instances_memory() {
    let (errors, _) = Case::handler("hoards-reads").check(2);
    all_say(&errors, 2, "(setting `limits.memory`)");
}

/// `defies-refusals`: effects after a refusal.
#[test]
fn an_attempt_that_goes_on_after_a_refusal_ends_there() {
    let (errors, said) = Case::handler("defies-refusals").check(2);
    all_say(&errors, 2, "state key length in bytes is 0; 1 to ");
    assert!(said.contains("it goes on"), "log lines get through: {said}");
    assert!(!said.contains("it has written"), "the next call ended it: {said}");
}

/// `scans-large-values`: pages of one entry over a large state, with uncommitted writes.
#[test]
fn a_scan_of_large_values_reads_no_more_than_its_pages() {
    let case = Case::handler("scans-large-values");
    let (folder, runtime) = case.start();
    publish(&runtime, "test.put", 400);
    case.settle(&runtime, folder.path());
    publish(&runtime, "test.event", 2);
    case.settle(&runtime, folder.path());
    let (errors, _) = case.end(runtime);
    assert_eq!(errors, Vec::<String>::new(), "each page is small, and the scan completes");
}

/// `scans-own-writes`: pages of one entry over a hundred thousand uncommitted writes.
#[test]
fn pages_over_many_own_writes_cost_what_they_hold() {
    let case = Case { deadline: "60s", instance_mib: 64, ..Case::handler("scans-own-writes") };
    let (errors, _) = case.check(1);
    assert_eq!(errors, Vec::<String>::new());
}

/// `floods-denied`: denied requests with long addresses.
#[test]
fn denied_requests_are_kept_as_a_few_lines_and_a_number() {
    let case = Case { operator: SINK_ONCE, instances: 16, instance_mib: 8, ..Case::handler("floods-denied") };
    let (errors, said) = case.check(16);
    all_say(&errors, 16, "limits.deadline");
    assert!(said.contains("further requests"), "{said}");
}

/// `hoards-bodies`: request bodies that are written but never sent.
#[test]
fn bodies_of_requests_count_to_the_instances_memory() {
    let case = Case {
        operator: SINK_ONCE,
        deadline: "10s",
        instances: 16,
        instance_mib: 8,
        ..Case::handler("hoards-bodies")
    };
    let (errors, _) = case.check(16);
    all_say(&errors, 16, "limits.deadline");
}

/// `floods-log`: log lines of maximum length.
#[test]
fn log_lines_without_end_are_left_out_and_named() {
    let (errors, said) = Case::handler("floods-log").check(2);
    all_say(&errors, 2, "limits.deadline");
    let notice = "further lines of this attempt are omitted; 1 MiB of text is allowed (fixed)";
    assert_eq!(said.matches(notice).count(), 2, "{} bytes", said.len());
}

/// `floods-timers`: cancelled timers, each with a different name.
#[test]
fn changes_of_timers_stay_within_the_instances_memory() {
    let (errors, _) = Case::handler("floods-timers").check(2);
    all_say(&errors, 2, "(setting `limits.memory`)");
}
