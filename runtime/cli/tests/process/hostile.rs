//! Drops every hostile plugin into a runtime that handles events: each plugin is refused, without other
//! effects.
//!
//! The test checks the memory bounds where they apply: the peak of the runtime's resident memory, and the
//! limit that each compiler process sets for itself. A limit on the runtime's address space would be
//! meaningless: the pool of instances reserves more than a machine has.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use camshaft_test_guests::{bombs, component};
use serde_json::Value;
use tempfile::tempdir;

use super::http::{Http, event};
use super::process::Runtime;

/// Batch size and period of publishing: 1,000 events per second.
const BATCH: u64 = 20;
const PERIOD: Duration = Duration::from_millis(20);
/// How long events are published without bombs, for comparison.
const QUIET: Duration = Duration::from_secs(10);
/// Number of rounds; each drops every bomb under new names. One percent of the publishes must be more than
/// two or three, so that the p99 is meaningful.
const ROUNDS: usize = 4;
/// Polling interval for a plugin, and time limit.
const LOOK: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(300);
/// Maximum peak of the runtime's resident memory. Together with one compiler it is within 1.5 GiB.
const MAX_RUNTIME_BYTES: u64 = (1536 - 768) << 20;

/// Publishes at the fixed rate, starting with event `from`, until `is_over`. Returns the durations of the
/// batches in ascending order.
fn publish(url: &str, from: u64, is_over: impl Fn() -> bool) -> Vec<Duration> {
    let http = Http::new(url);
    let (mut took, mut due) = (Vec::new(), Instant::now());
    while !is_over() {
        let first = from + took.len() as u64 * BATCH;
        let events: Vec<Value> = (first..first + BATCH).map(|id| event(id, 100)).collect();
        let begun = Instant::now();
        assert_eq!(http.publish(&events).status, 200);
        took.push(begun.elapsed());
        // A late batch delays the later ones.
        due = Instant::now().max(due + PERIOD);
        thread::sleep(due - Instant::now());
    }
    took.sort_unstable();
    took
}

fn p99(took: &[Duration]) -> Duration {
    took[took.len() * 99 / 100]
}

/// Writes a file next to the plugins directory and syncs it, so that the runtime does not have to wait for
/// this write.
fn prepare(folder: &Path, stem: &str, bytes: &[u8]) {
    let mut file = File::create(folder.join(format!("{stem}.wasm"))).unwrap();
    file.write_all(bytes).and_then(|()| file.sync_all()).unwrap();
}

fn drop_in(folder: &Path, stem: &str) {
    let file = format!("{stem}.wasm");
    fs::rename(folder.join(&file), folder.join("plugins").join(file)).unwrap();
}

/// Waits until the plugin is refused, and returns the refusal. It uses HTTP, because starting a command each
/// time would add load.
fn refused(http: &Http, name: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = http.get(&format!("/plugins/{name}"));
        if answer.status == 200 && answer.json()["last_refusal"].is_object() {
            return answer.json()["last_refusal"].clone();
        }
        assert!(Instant::now() < deadline, "{name} was not refused: {answer:?}");
        thread::sleep(LOOK);
    }
}

#[test]
fn every_bomb_is_refused_while_events_are_handled() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("plugins")).unwrap();
    // The compiler process limits plugins that pass all checks of their form.
    fs::write(folder.join("camshaft.toml"), "[limits]\nmax_compile_time = \"2s\"\n").unwrap();
    let counter = fs::read(component("counter")).unwrap();
    let mut corpus = bombs::corpus();
    corpus.push(bombs::Bomb { name: "many-functions", bytes: bombs::many_functions(5_000) });
    let runtime = Runtime::start(folder, &[]);
    let http = Http::new(runtime.url());
    // Compile it first: on a busy machine the short limit would not suffice.
    prepare(folder, "counter", &counter);
    drop_in(folder, "counter");
    runtime.until(folder, "plugins counter", |stdout| stdout.contains("active"));

    let stems: Vec<Vec<String>> = (0..ROUNDS)
        .map(|round| corpus.iter().map(|bomb| format!("{}-{round}", bomb.name)).collect())
        .collect();
    for (stem, bomb) in stems.iter().flat_map(|round| round.iter().zip(&corpus)) {
        prepare(folder, stem, &bomb.bytes);
    }
    let begun = Instant::now();
    let quiet = publish(runtime.url(), 0, || begun.elapsed() >= QUIET);
    let is_over = &AtomicBool::new(false);
    let (url, from) = (runtime.url(), quiet.len() as u64 * BATCH);
    let beside = thread::scope(|scope| {
        let begun = Instant::now();
        let ends = move || is_over.load(Ordering::Acquire) || begun.elapsed() > PATIENCE;
        let beside = scope.spawn(move || publish(url, from, ends));
        for round in &stems {
            round.iter().for_each(|stem| drop_in(folder, stem));
            for stem in round {
                let refusal = refused(&http, stem);
                eprintln!("{stem}: {} {}", refusal["code"], refusal["message"]);
                assert_ne!(refusal["code"], "internal", "{refusal}");
            }
        }
        is_over.store(true, Ordering::Release);
        beside.join().unwrap()
    });
    let events = (quiet.len() + beside.len()) as u64 * BATCH;
    runtime.until(folder, "state get counter total", |stdout| stdout == format!("{events}\n"));
    let peak = runtime.peak_memory_bytes();
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
