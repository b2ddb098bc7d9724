//! `camshaft debug`: an attempt that failed in a runtime fails again elsewhere, and differences are reported.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::tempdir;

use crate::{
    guest,
    process::{Runtime, Said, closed_port, write},
    said,
};

/// A runtime with a plugin that attempts each event at most twice.
fn runtime(folder: &Path, guest_name: &str) -> Runtime {
    let plugins = folder.join("plugins");
    fs::create_dir(&plugins).unwrap();
    guest(&plugins, guest_name);
    let policy =
        "config = { greeting = \"moin\" }\n[policy]\nmax_attempts = 2\nbackoff = { base = \"1ms\" }\n";
    write(&plugins, &format!("{guest_name}.toml"), policy);
    Runtime::start(folder, &[])
}

fn publish(runtime: &Runtime, folder: &Path, lines: &[&str]) {
    let event = |(id, rest): (usize, &&str)| {
        format!("{{\"specversion\":\"1.0\",\"id\":\"{id}\",\"source\":\"/test\",{rest}}}\n")
    };
    write(folder, "events.ndjson", &lines.iter().enumerate().map(event).collect::<String>());
    runtime.said(folder, "publish events.ndjson").ends_with(0);
}

/// Publishes events, and waits until the dead letter of this id exists.
fn dead_letter(runtime: &Runtime, folder: &Path, lines: &[&str], id: &str) {
    publish(runtime, folder, lines);
    runtime.until(folder, "dead-letters list", |list| list.contains(id));
}

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.stdout).unwrap()
}

const FILL: &str = "\"type\":\"test.fill\",\"subject\":\"k\",\"data\":1";
const EVENT: &str = "\"type\":\"test.event\",\"subject\":\"k\",\"data\":\"hi\"";

#[test]
fn what_failed_fails_again_from_what_was_recorded_of_it() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let runtime = runtime(folder, "fails-with-facts");
    dead_letter(&runtime, folder, &[FILL, EVENT], "fails-with-facts:1");
    let said = runtime.said(folder, "debug fails-with-facts:1 --json").ends_with(0);
    let debugged = json(&said);
    assert_eq!(debugged["comparison"], "same", "{debugged:#}");
    assert_eq!(debugged["recorded"]["error"], debugged["here"]["error"]);
    let error = debugged["here"]["error"].as_str().unwrap();
    assert!(
        error.contains("attempt 2 offset 1") && error.contains("config Some(\"moin\") values 1"),
        "{error}"
    );
    assert!(
        error.contains("length 40000 absent None") && error.contains("fails_with_facts::tell"),
        "{error}"
    );
    assert_eq!(debugged["here"]["effects"]["published"][0]["type"], "test.never");
    assert_eq!(debugged["not_recorded"], serde_json::json!([]));
    runtime
        .said(folder, "debug fails-with-facts:1")
        .ends_with(0)
        .prints("absent is absent\n")
        .prints("it fails here in the same way\n")
        .prints("not applied  state      touched = true\n")
        .prints("warn about to fail\n");
}

#[test]
fn an_export_needs_no_runtime_and_no_plugin_directory() {
    let folder = tempdir().unwrap();
    let elsewhere = tempdir().unwrap();
    let folder = folder.path();
    let runtime = runtime(folder, "fails-with-facts");
    dead_letter(&runtime, folder, &[EVENT], "fails-with-facts:0");
    let file = elsewhere.path().join("letter.json");
    runtime.said(folder, &format!("debug fails-with-facts:0 --export {}", file.display())).ends_with(0);
    runtime.stop();
    fs::remove_dir_all(folder.join("plugins")).unwrap();
    let url = format!("--url http://127.0.0.1:{}", closed_port());
    let debugged = said(elsewhere.path(), &format!("debug letter.json --json {url}")).ends_with(0);
    assert_eq!(json(&debugged)["comparison"], "same", "{debugged:#?}");
    write(elsewhere.path(), "other.json", "{\"camshaft_debug\": 2}");
    said(elsewhere.path(), "debug other.json")
        .ends_with(3)
        .says("\"other.json\" is not an export of a dead letter");
    said(elsewhere.path(), "debug none.json").ends_with(2).says("is neither a dead letter nor a file");
}

#[test]
fn another_version_is_run_and_called_so() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let runtime = runtime(folder, "rejects");
    let reject = "\"type\":\"test.event\",\"data\":{\"reject\":true}";
    dead_letter(&runtime, folder, &[reject], "rejects:0");
    // The same code in another file: a custom section does not change the code.
    let mut wasm = fs::read(camshaft_test_guests::component("rejects")).unwrap();
    wasm.extend_from_slice(&[0, 5, 4, b'n', b'o', b't', b'e']);
    fs::write(folder.join("fixed.wasm"), wasm).unwrap();
    runtime
        .said(folder, "debug rejects:0 --wasm fixed.wasm")
        .ends_with(0)
        .prints(", not the one that failed: ")
        .prints("it fails here in the same way\n");
    guest(folder, "counter");
    runtime
        .said(folder, "debug rejects:0 --wasm counter.wasm")
        .ends_with(2)
        .says("\"counter.wasm\" is the plugin \"counter\"");
    // The runtime keeps the failed version when another one replaces it, until its copy is deleted.
    fs::copy(folder.join("fixed.wasm"), folder.join("plugins/rejects.wasm")).unwrap();
    runtime.until(folder, "plugins history rejects --json", |history| history.matches("digest").count() == 2);
    runtime.said(folder, "debug rejects:0").ends_with(0).prints(", the one that failed\n");
    fs::remove_dir_all(folder.join("data/versions")).unwrap();
    runtime
        .said(folder, "debug rejects:0")
        .ends_with(3)
        .says("the plugin that failed, \"rejects\"")
        .says("hint: Name a file of this plugin with --wasm");
}

#[test]
fn reads_beyond_what_is_recorded_are_named() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let runtime = runtime(folder, "fails-with-facts");
    let fill = FILL.replace("\"data\":1", "\"data\":3");
    dead_letter(&runtime, folder, &[&fill, EVENT], "fails-with-facts:1");
    let debugged = json(&runtime.said(folder, "debug fails-with-facts:1 --json").ends_with(0));
    assert_eq!(debugged["comparison"], "other", "{debugged:#}");
    assert_eq!(debugged["inputs_truncated"], true);
    assert_eq!(debugged["not_recorded"], serde_json::json!(["absent", "value/1", "value/2"]));
    runtime
        .said(folder, "debug fails-with-facts:1")
        .prints("reads beyond 64 KiB are not recorded\n")
        .prints("value/2 is not recorded; it was absent here\n")
        .prints("something it depends on is not recorded\n");
}
