//! A failed sync stops the runtime with its own exit code. The content of the disk is then unknown, so the
//! runtime answers no more requests. The next start recovers everything that was answered.

use std::fs;

use serde_json::Value;
use tempfile::tempdir;

use super::faulty_disk::{Fault, FaultyDisk};
use super::http::{Http, event};
use super::process::{Runtime, run};

#[test]
fn a_failed_sync_poisons_the_log_and_a_restart_recovers_what_was_answered() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("plugins")).unwrap();
    fs::copy(camshaft_test_guests::component("counter"), folder.join("plugins/counter.wasm")).unwrap();
    let disk = FaultyDisk::new();
    let runtime = Runtime::spawn(&mut disk.under(run(folder)));
    let http = Http::new(runtime.url());
    let answered: Vec<Value> = (0..100).map(|id| event(id, 10)).collect();
    assert_eq!(http.publish(&answered).status, 200);

    disk.set(Fault::SyncFails);
    let unanswered = [event(100, 10)];
    let refused = http.publish(&unanswered);
    let problem = refused.problem(503, "log-poisoned");
    assert_eq!(
        problem["hint"],
        "Check the disk, then start the runtime again; recovery keeps all durable data."
    );
    assert_eq!(refused.retry_after, None, "it does not heal by itself");
    let health = http.get("/health");
    assert_eq!((health.status, &health.json()["status"]), (503, &Value::from("poisoned")));
    assert!(
        health.body.contains("could not sync") && health.body.contains("Input/output error"),
        "{health:?}"
    );

    let (status, said) = runtime.wait();
    assert_eq!(status.code(), Some(7), "{said}");
    assert!(said.contains("error: the log is poisoned [log-poisoned]"), "{said}");
    assert!(said.contains("hint: Check the disk, then start the runtime again"), "{said}");

    disk.clear(Fault::SyncFails);
    let runtime = Runtime::spawn(&mut disk.under(run(folder)));
    let http = Http::new(runtime.url());
    let again = http.publish(&answered).json();
    let duplicate = |receipt: &Value| receipt["duplicate"] == true;
    assert!(again["results"].as_array().unwrap().iter().all(duplicate), "{again}");
    // An unanswered event may be in the log or not. After sending it again, it is there exactly once.
    assert_eq!(http.publish(&unanswered).status, 200);
    let total = |stdout: &str| stdout.trim() == "101";
    runtime.until(folder, "state get counter total", total);
    assert_eq!(http.get("/events").body.lines().count(), 101);
    assert!(runtime.stop().0.success());
}
