//! Every hostile plugin that there is is dropped into a runtime that handles events: each is refused, and nothing else
//! comes of it.
//!
//! The bound on memory is looked at where it can be: the peak of the runtime's resident memory, and the limit that each
//! compiler process sets for itself. A limit on the runtime's address space would say nothing: the pool of instances
//! reserves more than a machine has.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use camshaft_test_guests::{bombs, component};
use serde_json::Value;
use tempfile::tempdir;

use super::http::{Http, event};
use super::process::Runtime;

/// A batch of so many events is published so often: 1,000 events a second.
const BATCH: u64 = 20;
const PERIOD: Duration = Duration::from_millis(20);
/// How long events are published without bombs, to compare.
const QUIET: Duration = Duration::from_secs(5);
/// Peak of the runtime's resident memory. Together with one compiler it is within 1.5 GiB.
const MAX_RUNTIME_BYTES: u64 = (1536 - 768) << 20;

/// Publishes at its pace from event `from` on until `is_over`, and returns how long each batch took, ascending.
fn publish(url: &str, from: u64, is_over: impl Fn() -> bool) -> Vec<Duration> {
    let http = Http::new(url);
    let (mut took, mut due) = (Vec::new(), Instant::now());
    while !is_over() {
        let first = from + took.len() as u64 * BATCH;
        let events: Vec<Value> = (first..first + BATCH).map(|id| event(id, 100)).collect();
        let begun = Instant::now();
        assert_eq!(http.publish(&events).status, 200);
        took.push(begun.elapsed());
        // A batch that is late is not caught up on.
        due = Instant::now().max(due + PERIOD);
        thread::sleep(due - Instant::now());
    }
    took.sort_unstable();
    took
}

fn p99(took: &[Duration]) -> Duration {
    took[took.len() * 99 / 100]
}

fn drop_in(folder: &Path, stem: &str, bytes: &[u8]) {
    fs::write(folder.join(".partial"), bytes).unwrap();
    fs::rename(folder.join(".partial"), folder.join(format!("plugins/{stem}.wasm"))).unwrap();
}

/// The most memory that the process had in use.
fn peak_bytes(runtime: &Runtime) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", runtime.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
}

#[test]
fn every_bomb_is_refused_while_events_are_handled() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("plugins")).unwrap();
    // What passes all bounds on its form is bounded by the compiler's process.
    fs::write(folder.join("camshaft.toml"), "[limits]\nmax_compile_time = \"2s\"\n").unwrap();
    let counter = fs::read(component("counter")).unwrap();
    let mut corpus = bombs::corpus();
    corpus.push(bombs::Bomb { name: "many-functions", bytes: bombs::many_functions(5_000) });
    let runtime = Runtime::start(folder, &[]);
    // It is compiled before, since so little time is too little for it on a busy machine.
    drop_in(folder, "counter", &counter);
    runtime.until(folder, "plugins counter", |stdout| stdout.contains("active"));

    let begun = Instant::now();
    let quiet = publish(runtime.url(), 0, || begun.elapsed() >= QUIET);
    let is_over = AtomicBool::new(false);
    let from = quiet.len() as u64 * BATCH;
    let beside = thread::scope(|scope| {
        let beside = scope.spawn(|| publish(runtime.url(), from, || is_over.load(Ordering::Acquire)));
        for bomb in &corpus {
            drop_in(folder, bomb.name, &bomb.bytes);
        }
        for bomb in &corpus {
            let line = format!("plugins {} --json", bomb.name);
            let said = runtime.until(folder, &line, |stdout| stdout.contains("\"refused\""));
            let plugin: Value = serde_json::from_str(&said.stdout).unwrap();
            let refusal = &plugin["last_refusal"];
            eprintln!("{}: {} {}", bomb.name, refusal["code"], refusal["message"]);
            assert_ne!(refusal["code"], "internal", "{plugin}");
        }
        is_over.store(true, Ordering::Release);
        beside.join().unwrap()
    });
    let events = (quiet.len() + beside.len()) as u64 * BATCH;
    runtime.until(folder, "state get counter total", |stdout| stdout == format!("{events}\n"));
    let peak = peak_bytes(&runtime);
    eprintln!(
        "{events} events; a publish took p99 {:?} without bombs and {:?} beside them; peak {} MiB",
        p99(&quiet),
        p99(&beside),
        peak >> 20
    );
    assert!(peak < MAX_RUNTIME_BYTES, "{peak} bytes");
    let (ended, said) = runtime.stop();
    assert!(ended.success(), "{said}");
}
