//! A bad version is rolled back even if the process is killed during its probation. Until then, the events
//! that it failed wait.

use std::fs;
use std::path::{Path, PathBuf};

use camshaft_test_guests::version;
use serde_json::{Value, json};
use tempfile::tempdir;

use super::http::Http;
use super::process::Runtime;

/// Event number `number`, with its own key.
fn event(number: u64) -> Value {
    json!({
        "specversion": "1.0", "id": number.to_string(), "source": "/test", "type": "test.event",
        "partitionkey": number.to_string(), "data": {"number": number},
    })
}

/// A runtime that runs a good version of the plugin, and the file to replace.
fn with_good_version(folder: &Path) -> (Runtime, PathBuf) {
    fs::create_dir(folder.join("plugins")).unwrap();
    let file = folder.join("plugins/reloads.wasm");
    fs::write(&file, version(1, "good")).unwrap();
    let runtime = Runtime::start(folder, &[]);
    runtime.until(folder, "plugins reloads", |stdout| stdout.contains("active"));
    (runtime, file)
}

#[test]
fn a_version_that_fails_is_taken_back_though_the_process_is_killed_in_its_probation() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let (runtime, file) = with_good_version(folder);
    let http = Http::new(runtime.url());
    let publish = |http: &Http, numbers: std::ops::Range<u64>| {
        assert_eq!(http.publish(&numbers.map(event).collect::<Vec<Value>>()).status, 200);
    };
    publish(&http, 0..50);
    runtime.until(folder, "consumers reloads --json", |stdout| stdout.contains("\"lag\":0"));

    fs::write(&file, version(2, "trap")).unwrap();
    runtime.until(folder, "plugins reloads", |stdout| stdout.contains("on probation"));
    // Too few events for a decision.
    publish(&http, 50..60);
    let failed = |stdout: &str| stdout.contains("10 of 10 failed, 0 of 50 before; 10 wait");
    runtime.until(folder, "plugins reloads", failed);
    runtime.signal("KILL");
    runtime.wait();

    let runtime = Runtime::start(folder, &[]);
    runtime.until(folder, "plugins reloads", failed);
    let http = Http::new(runtime.url());
    publish(&http, 60..90);
    runtime.until(folder, "plugins reloads", |stdout| stdout.contains("failed its probation"));
    runtime.until(folder, "consumers reloads --json", |stdout| stdout.contains("\"lag\":0"));
    let noted = || {
        let events = http.get("/events?type=test.noted").body;
        events.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    runtime.until(folder, "state get reloads key/89", |stdout| stdout == "[89]\n");
    for number in 0..90 {
        let line = format!("state get reloads key/{number}");
        runtime.until(folder, &line, |stdout| stdout == format!("[{number}]\n"));
    }
    let noted = noted();
    assert_eq!(noted.len(), 90);
    assert!(noted.iter().all(|event| event["data"]["version"] == 1), "{noted:?}");
    assert_eq!(http.items("/dead-letters").len(), 0);
    let said = runtime.said(folder, "plugins history reloads").ends_with(0);
    said.prints("rolled back to 3").prints("by its probation").prints("version 2 traps");
}

#[test]
fn an_event_that_fails_on_probation_is_shown_to_wait_for_the_end_of_the_probation() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let (runtime, file) = with_good_version(folder);
    fs::write(&file, version(2, "trap")).unwrap();
    runtime.until(folder, "plugins reloads", |stdout| stdout.contains("on probation"));
    let http = Http::new(runtime.url());
    assert_eq!(http.publish(&[event(1)]).status, 200);
    runtime
        .until(folder, "consumers reloads --held --json", |stdout| stdout.contains("\"what\":\"probation\""));

    let held = http.items("/consumers/reloads/held");
    let [held] = &held[..] else { panic!("{held:?}") };
    assert_eq!(held["waits_for"]["what"], "probation", "{held}");
    assert!(held["waits_for"]["until"].is_string() && held["last_failure"].is_object(), "{held}");
    assert_eq!(held.get("due"), None, "its next attempt has no time of its own");
    let view = http.get(&format!("/events/{}", held["offset"])).json();
    let mut deliveries = view["deliveries"].as_array().unwrap().iter();
    let delivery = deliveries.find(|delivery| delivery["consumer"] == "reloads").unwrap();
    assert_eq!((&delivery["status"], &delivery["waits_for"]), (&json!("held"), &json!("probation")));
    runtime
        .said(folder, &format!("held retry {}", held["id"].as_str().unwrap()))
        .ends_with(3)
        .says("for the end of the probation in which it failed [held-event-waits]");
}
