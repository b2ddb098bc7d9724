//! A full disk has no lasting effect: publishers get a retry answer, consumers wait, and answered events
//! stay. When space is free again, everything continues without a restart.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::tempdir;

use super::faulty_disk::{Fault, FaultyDisk};
use super::http::{Answer, Http, event};
use super::process::{Runtime, run};
use super::small_disk::SmallDisk;

/// How long the runtime may take to notice that space is free again.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_disk_that_makes_no_more_files_is_survived() {
    let folder = tempdir().unwrap();
    let disk = FaultyDisk::new();
    check(folder.path(), |run| disk.under(run), || disk.set(Fault::Full), || disk.clear(Fault::Full));
}

#[test]
fn a_disk_without_a_free_block_is_survived() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let Some(disk) = SmallDisk::mount(&data) else {
        // The test above checks the same promise with a simulated full disk.
        println!("not run: this machine does not permit mounting a small disk");
        return;
    };
    println!("on a disk in memory, filled with a file of zeros");
    let fill = || disk.fill();
    check(folder.path(), |run| disk.inside(&run), fill, || disk.free());
}

/// Fills the disk of a runtime, publishes until events are refused, frees space, and checks that no event was
/// lost.
fn check(folder: &Path, on_disk: impl Fn(Command) -> Command, fill: impl Fn(), free: impl Fn()) {
    fs::create_dir(folder.join("plugins")).unwrap();
    fs::copy(camshaft_test_guests::component("counter"), folder.join("plugins/counter.wasm")).unwrap();
    let runtime = Runtime::spawn(&mut on_disk(run(folder)));
    let mut producer = Producer { http: Http::new(runtime.url()), accepted: 0 };
    producer.publish(1, 10).unwrap();
    until_counted(&producer);

    fill();
    // Reserved space is still used: for large batches while they fit, then for small ones.
    let refused = producer.until_refused(3, 1_000_000);
    let problem = refused.problem(507, "no-space");
    assert!(refused.retry_after.is_some_and(|seconds| seconds > 0), "{refused:?}");
    assert_eq!(problem["hint"], "Free at least 64 MiB on that disk; the runtime then resumes by itself.");
    let before = producer.accepted;
    producer.until_refused(1, 60_000).problem(507, "no-space");
    assert!(producer.accepted > before, "there was room for a small event");

    let consumer = producer.http.get("/consumers/counter").json();
    assert_eq!(consumer["in_flight"], 0, "{consumer}");
    assert!(consumer["lag"].as_u64().unwrap() >= producer.accepted - before, "it waits: {consumer}");
    let removed = producer.http.delete("/consumers/counter");
    removed.problem(507, "no-space");
    assert!(removed.retry_after.is_some(), "operators are told to come back, too: {removed:?}");
    assert_eq!(producer.http.get("/health").json()["status"], "accepting");
    assert_eq!(producer.http.get("/events?limit=1").status, 200);

    free();
    producer.until_accepted();
    until_counted(&producer);
    let (status, said) = runtime.stop();
    assert!(status.success(), "{said}");
    assert!(
        said.contains("no space is left for the log") && said.contains("the log has room again"),
        "{said}"
    );

    let runtime = Runtime::spawn(&mut on_disk(run(folder)));
    let mut producer = Producer { http: Http::new(runtime.url()), ..producer };
    until_counted(&producer);
    producer.publish(1, 10).unwrap();
    until_counted(&producer);
}

/// Publishes numbered events. Refused events are sent again with the next batch.
struct Producer {
    http: Http,
    accepted: u64,
}

impl Producer {
    fn publish(&mut self, count: u64, bytes: usize) -> Result<(), Answer> {
        let events: Vec<Value> =
            (self.accepted..).take(usize::try_from(count).unwrap()).map(|id| event(id, bytes)).collect();
        let answer = self.http.publish(&events);
        if answer.status != 200 {
            return Err(answer);
        }
        let receipts = answer.json();
        assert!(receipts["results"].as_array().unwrap().iter().all(|receipt| receipt["duplicate"] == false));
        self.accepted += count;
        Ok(())
    }

    /// Publishes batches until one is refused.
    fn until_refused(&mut self, count: u64, bytes: usize) -> Answer {
        loop {
            if let Err(answer) = self.publish(count, bytes) {
                return answer;
            }
        }
    }

    /// Publishes one event repeatedly until it is accepted, as a producer does after a retry answer.
    fn until_accepted(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while let Err(answer) = self.publish(1, 60_000) {
            answer.problem(507, "no-space");
            assert!(Instant::now() < deadline, "space is free, but the log does not use it: {answer:?}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Waits until the plugin has counted exactly the accepted events.
#[track_caller]
fn until_counted(producer: &Producer) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let consumer = producer.http.get("/consumers/counter");
        if consumer.status == 200 && consumer.json()["lag"] == 0 && consumer.json()["in_flight"] == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "it never caught up: {consumer:?}");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(producer.http.get("/state/counter/total").json(), producer.accepted);
}
