//! A damaged block of an old segment, or of the tables, affects only the consumer that needs it.

use std::fs;
use std::path::Path;

use camshaft_test_guests::component;
use serde_json::{Value, json};
use tempfile::tempdir;

use super::http::Http;
use super::process::{Runtime, Said, camshaft};

const FIRST_SEGMENT: &str = "data/log/00000000000000000001.segment";

fn event(id: u64, event_type: &str, bytes: usize) -> Value {
    json!({
        "specversion": "1.0", "id": id.to_string(), "source": "/test", "type": event_type,
        "subject": "s", "data": "x".repeat(bytes),
    })
}

fn verify(folder: &Path) -> Said {
    Said::of(camshaft(folder).args(["verify", "--data", "data"]))
}

/// Flips a bit of a file.
fn flip(path: &Path, position: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[position] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn place(folder: &Path, plugin: &str) {
    fs::create_dir_all(folder.join("plugins")).unwrap();
    fs::copy(component(plugin), folder.join("plugins").join(format!("{plugin}.wasm"))).unwrap();
}

/// Leaves the data of a cleanly stopped runtime. The first segment contains test events that only the
/// detached "counter" still needs, and one of them is damaged.
fn away_with_damage(folder: &Path) {
    place(folder, "counter");
    place(folder, "echo");
    let runtime = Runtime::start(folder, &[]);
    runtime.until(folder, "plugins counter", |stdout| stdout.contains("active"));
    runtime.until(folder, "plugins echo", |stdout| stdout.contains("active"));
    fs::remove_file(folder.join("plugins/counter.wasm")).unwrap();
    runtime.until(folder, "consumers counter", |stdout| stdout.contains("detached"));
    let http = Http::new(runtime.url());
    for id in 0..6 {
        assert_eq!(http.publish(&[event(id, "test.event", 300)]).status, 200);
    }
    // Slightly more data than one segment can hold.
    for batch in 0..23 {
        let events: Vec<Value> =
            (0..3).map(|id| event(100 + batch * 3 + id, "other.event", 1_000_000)).collect();
        assert_eq!(http.publish(&events).status, 200);
    }
    assert!(runtime.stop().0.success());
    let bytes = fs::read(folder.join(FIRST_SEGMENT)).unwrap();
    // Find the data of the third test event.
    let starts: Vec<usize> = bytes
        .windows(50)
        .enumerate()
        .filter(|(_, window)| window.iter().all(|byte| *byte == b'x'))
        .map(|(at, _)| at)
        .take(2_000)
        .collect();
    let third = starts.iter().copied().filter(|at| !starts.contains(&(at.wrapping_sub(1)))).nth(2).unwrap();
    flip(&folder.join(FIRST_SEGMENT), third + 10);
}

/// The delivery of the event at `offset` to a consumer.
fn delivery(http: &Http, offset: u64, consumer: &str) -> Value {
    let view = http.get(&format!("/events/{offset}")).json();
    let mut deliveries = view["deliveries"].as_array().unwrap().iter();
    deliveries.find(|delivery| delivery["consumer"] == consumer).unwrap().clone()
}

#[test]
fn a_damaged_old_segment_pauses_the_consumer_that_needs_it_and_verify_and_skip_help() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    away_with_damage(folder);

    let before = fs::metadata(folder.join(FIRST_SEGMENT)).unwrap().modified().unwrap();
    let said = verify(folder).ends_with(3).says("damaged in 1 places").prints("00000000000000000001.segment");
    said.prints("counter").says("[damage-found]");
    assert_eq!(fs::metadata(folder.join(FIRST_SEGMENT)).unwrap().modified().unwrap(), before);
    assert!(!folder.join("data/verify.tmp").exists(), "nothing is left of the check");

    place(folder, "counter");
    let runtime = Runtime::start(folder, &[]);
    runtime
        .until(folder, "consumers", |stdout| stdout.lines().any(|line| line.starts_with("counter  damaged")));
    let http = Http::new(runtime.url());
    assert_eq!(http.get("/health").json()["damaged_consumers"], json!(["counter"]));
    verify(folder).ends_with(5).says("in use");
    // The other consumer continues: it had handled the old events before the damage, and handles new ones.
    assert_eq!(http.publish(&[event(9, "test.event", 10)]).status, 200);
    runtime.until(folder, "consumers echo --json", |stdout| stdout.contains("\"lag\":0"));
    runtime.said(folder, "consumers counter").ends_with(0).prints("damaged").prints(".segment");

    let tail = http.get("/health").json()["tail"].as_u64().unwrap();
    runtime.said(folder, "consumers skip counter").ends_with(2).says("--yes");
    runtime.said(folder, "consumers skip counter --yes").ends_with(0).says("1 offsets");
    runtime.until(folder, "consumers counter --json", |stdout| stdout.contains("\"lag\":0"));
    runtime.said(folder, "consumers skip counter --yes").ends_with(3).says("[consumer-not-damaged]");
    let skipped = http.get(&format!("/events?type=camshaft.consumer.skipped&from={tail}")).body;
    assert_eq!(skipped.lines().count(), 1, "{skipped}");

    // The consumer returns to the damage, and skips the next test event with it, which can be read.
    let skipped: Value = serde_json::from_str(&skipped).unwrap();
    let damaged = skipped["data"]["from"].as_u64().unwrap();
    let next = http.get(&format!("/events?type=test.event&from={}&limit=1", damaged + 1)).json();
    let next: u64 = next["offset"].as_str().unwrap().parse().unwrap();
    assert_eq!(delivery(&http, next, "counter")["status"], "done");
    runtime.said(folder, &format!("consumers reset counter --to {damaged} --yes")).ends_with(0);
    runtime
        .until(folder, "consumers", |stdout| stdout.lines().any(|line| line.starts_with("counter  damaged")));
    runtime.said(folder, &format!("consumers skip counter --to {} --yes", next + 1)).ends_with(0);
    runtime.until(folder, "consumers counter --json", |stdout| stdout.contains("\"lag\":0"));
    let skipped = delivery(&http, next, "counter");
    assert!(skipped["status"] == "skipped" && skipped["at"].is_string(), "{skipped}");

    let (status, said) = runtime.stop();
    assert!(status.success(), "{said}");
    assert!(said.contains("a consumer is paused"), "{said}");
}

#[test]
fn damaged_tables_are_made_anew_from_a_log_that_was_never_trimmed() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    place(folder, "counter");
    let runtime = Runtime::start(folder, &[]);
    runtime.until(folder, "plugins counter", |stdout| stdout.contains("active"));
    let http = Http::new(runtime.url());
    for id in 0..20 {
        assert_eq!(http.publish(&[event(id, "test.event", 10)]).status, 200);
    }
    runtime.until(folder, "consumers counter --json", |stdout| stdout.contains("\"lag\":0"));
    let state = runtime.said(folder, "state list counter --json").ends_with(0).stdout;
    assert!(runtime.stop().0.success());
    verify(folder).ends_with(0);

    // The files with the entries of the store, not its journal or its lists.
    let is_table = |path: &Path| path.parent().unwrap().ends_with("0/tables");
    let tables = walk(&folder.join("data/tables")).into_iter().filter(|path| is_table(path));
    let largest = tables.max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    // The first data block is at the start of a table.
    flip(&largest, 40);
    verify(folder).ends_with(3).prints("Move the folder");
    let runtime = Runtime::start(folder, &[]);
    runtime.until(folder, "consumers counter --json", |stdout| stdout.contains("\"lag\":0"));
    assert_eq!(runtime.said(folder, "state list counter --json").ends_with(0).stdout, state);
    let (status, said) = runtime.stop();
    assert!(status.success(), "{said}");
    assert!(said.contains("rebuilding them from the log"), "{said}");
    assert!(folder.join("data/tables.damaged-1").is_dir(), "nothing is deleted");
    verify(folder).ends_with(0);
}

/// All files below a folder.
fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn a_damaged_mark_of_a_clean_shutdown_is_ignored_with_a_warning() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let runtime = Runtime::start(folder, &[]);
    let http = Http::new(runtime.url());
    assert_eq!(http.publish(&[event(1, "test.event", 10)]).status, 200);
    assert!(runtime.stop().0.success());
    flip(&folder.join("data/log/clean"), 20);
    verify(folder).ends_with(3).prints("Remove \"log/clean\"");
    let runtime = Runtime::start(folder, &[]);
    assert_eq!(Http::new(runtime.url()).get("/events").body.lines().count(), 1);
    let (status, said) = runtime.stop();
    assert!(status.success(), "{said}");
    assert!(said.contains("mark of the last clean shutdown is damaged"), "{said}");
    verify(folder).ends_with(0);
}
