//! The amount of sequenced but unsynced data is bounded. Beyond the bound, publishers get a retry answer;
//! readers never see data that is not durable.

use std::sync::mpsc::channel;
use std::thread;

use serde_json::Value;
use tempfile::tempdir;

use super::faulty_disk::{Fault, FaultyDisk};
use super::http::{Http, event};
use super::process::{Runtime, run};

/// Batches of three megabytes that fit within the bound of 16 MiB.
const ADMITTED: u64 = 6;

/// Batches beyond the bound.
const REFUSED: u64 = 2;

#[test]
fn publishers_beyond_the_unsynced_bound_are_told_to_come_back() {
    let folder = tempdir().unwrap();
    let disk = FaultyDisk::new();
    let runtime = Runtime::spawn(&mut disk.under(run(folder.path())));
    let http = Http::new(runtime.url());
    let before = http.get("/health").json()["tail"].clone();
    disk.set(Fault::SyncWaits);
    let (answer, answers) = channel();
    for publisher in 0..ADMITTED + REFUSED {
        let (http, answer) = (http.clone(), answer.clone());
        let batch: Vec<Value> = (0..3).map(|id| event(publisher * 3 + id, 1_000_000)).collect();
        thread::spawn(move || answer.send((http.publish(&batch), batch)).unwrap());
    }
    let mut refused = Vec::new();
    for _ in 0..REFUSED {
        let (answer, batch) = answers.recv().unwrap();
        answer.problem(503, "busy");
        assert!(answer.retry_after.is_some_and(|seconds| seconds > 0), "{answer:?}");
        refused.push(batch);
    }
    assert_eq!(http.get("/health").json()["tail"], before, "nothing is durable yet");
    assert_eq!(http.get("/events").body, "", "so nothing is shown");

    disk.clear(Fault::SyncWaits);
    for _ in 0..ADMITTED {
        let (answer, _) = answers.recv().unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    for batch in refused {
        let again = http.publish(&batch).json();
        assert!(again["results"].as_array().unwrap().iter().all(|receipt| receipt["duplicate"] == false));
    }
    let tail = before.as_u64().unwrap() + 3 * (ADMITTED + REFUSED);
    assert_eq!(http.get("/health").json()["tail"], tail);
}
