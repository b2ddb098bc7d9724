//! Every hostile plugin that there is is dropped into a runtime that handles events: each is refused, and nothing else
//! comes of it.
//!
//! The bound on memory is looked at where it can be: the peak of the runtime's resident memory, and the limit that each
//! compiler process sets for itself. A limit on the runtime's address space would say nothing: the pool of instances
//! reserves more than a machine has.

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

/// A batch of so many events is published so often: 1,000 events a second.
const BATCH: u64 = 20;
const PERIOD: Duration = Duration::from_millis(20);
/// How long events are published without bombs, to compare.
const QUIET: Duration = Duration::from_secs(10);
/// So often every bomb is dropped, under another name each time: one publish in a hundred is to be more than two or three.
const ROUNDS: usize = 4;
/// How often a plugin is looked at, and for how long.
const LOOK: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(300);
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

/// Writes a file beside the plugins directory, and waits for the disk: that is no work of the runtime.
fn prepare(folder: &Path, stem: &str, bytes: &[u8]) {
    let mut file = File::create(folder.join(format!("{stem}.wasm"))).unwrap();
    file.write_all(bytes).and_then(|()| file.sync_all()).unwrap();
}

fn drop_in(folder: &Path, stem: &str) {
    let file = format!("{stem}.wasm");
    fs::rename(folder.join(&file), folder.join("plugins").join(file)).unwrap();
}

/// Waits until the plugin is refused, and returns why. A command each time would be work beside the events, too.
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
    // What passes all bounds on its form is bounded by the compiler's process.
    fs::write(folder.join("camshaft.toml"), "[limits]\nmax_compile_time = \"2s\"\n").unwrap();
    let counter = fs::read(component("counter")).unwrap();
    let mut corpus = bombs::corpus();
    corpus.push(bombs::Bomb { name: "many-functions", bytes: bombs::many_functions(5_000) });
    let runtime = Runtime::start(folder, &[]);
    let http = Http::new(runtime.url());
    // It is compiled before, since so little time is too little for it on a busy machine.
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
