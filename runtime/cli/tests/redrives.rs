//! Redrive jobs: operators start, watch, cancel and leave them; a job survives a kill of the runtime.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "cli/process.rs"]
#[expect(dead_code, reason = "shared with the tests of the command line")]
mod process;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::tempdir;

use process::{Runtime, Said, write};

const LETTERS: usize = 6;

/// A runtime whose plugin has rejected six events.
fn with_dead_letters(folder: &Path) -> Runtime {
    fs::create_dir(folder.join("plugins")).unwrap();
    fs::copy(camshaft_test_guests::component("rejects"), folder.join("plugins/rejects.wasm")).unwrap();
    let runtime = Runtime::start(folder, &[]);
    write(folder, "data.ndjson", &"{\"reject\":true}\n".repeat(LETTERS));
    runtime.said(folder, "publish data.ndjson --type test.event").ends_with(0);
    runtime.until(folder, "dead-letters list --json", |stdout| stdout.matches("\"id\"").count() == LETTERS);
    runtime
}

/// Starts a command whose output is read after it has ended.
fn spawn(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.stdout).unwrap()
}

#[test]
fn a_slow_job_goes_on_after_the_runtime_was_killed() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let runtime = with_dead_letters(folder);
    let redrive = "dead-letters redrive --consumer rejects --reason reject --type test.* --rate 2";
    let dry =
        runtime.said(folder, &format!("{redrive} --dry-run")).ends_with(0).says("6 dead letters would be");
    assert_eq!(dry.stdout.lines().count(), LETTERS, "{dry:?}");
    runtime
        .said(folder, &format!("{redrive} --since 2999-01-01T00:00:00Z"))
        .ends_with(0)
        .says("there are no dead");

    let follows = spawn(runtime.camshaft(folder, redrive));
    runtime.until(folder, "redrives 1 --json", |stdout| stdout.contains("\"redriven\":1"));
    runtime.signal("KILL");
    runtime.wait();
    let ended = Said::from(follows.wait_with_output().unwrap()).ends_with(4);
    ended.says("it continues while the runtime runs").says("`camshaft redrives 1` to see its progress");

    let runtime = Runtime::start(folder, &[]);
    let restarted = json(&runtime.said(folder, "redrives 1 --json"));
    assert_eq!(restarted["selected"], LETTERS, "{restarted}");
    let done = runtime.until(folder, "redrives 1 --json", |stdout| stdout.contains("\"dead_again\":6"));
    let done = json(&done);
    assert_eq!((&done["status"], &done["redriven"]), (&Value::from("done"), &Value::from(LETTERS)));
    let letters = runtime.said(folder, "dead-letters list --json").stdout;
    assert_eq!(letters.matches("\"redrives\":1,").count(), LETTERS, "each exactly once: {letters}");
    runtime.said(folder, "redrives").ends_with(0).prints("rejects   done");
}

#[test]
fn ctrl_c_leaves_a_job_that_is_then_cancelled() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let runtime = with_dead_letters(folder);
    let slow = "dead-letters redrive --consumer rejects --all --rate 1 --json";
    let follows = spawn(runtime.camshaft(folder, slow));
    // It handles signals before it first polls the job.
    runtime.until(folder, "redrives 1 --json", |stdout| stdout.contains("\"redriven\":2"));
    assert!(Command::new("kill").args(["-INT", &follows.id().to_string()]).status().unwrap().success());
    let left = Said::from(follows.wait_with_output().unwrap()).ends_with(0);
    assert_eq!(json(&left)["status"], "running", "{left:?}");
    left.says("redrive job 1 continues").says("`camshaft redrives cancel 1` to stop it");

    let second = runtime.said(folder, slow).ends_with(3);
    second.says("redrive-running");
    runtime.said(folder, "redrives cancel 1").ends_with(0).says("redrive job 1 is cancelled");
    runtime.said(folder, "redrives cancel 1").ends_with(3).says("[redrive-ended]");
    runtime.said(folder, "redrives 1").ends_with(0).prints("status      cancelled");
    let fast = runtime.said(folder, "dead-letters redrive --consumer rejects --all --json").ends_with(3);
    assert_eq!(json(&fast)["status"], "done", "{fast:?}");
    assert_eq!(json(&fast)["dead_again"], LETTERS, "it waited for that: {fast:?}");
    fast.says("redrove 6 dead letters")
        .says("`camshaft redrives 2` to see the results")
        .says("6 dead letters failed");
    let left = "dead-letters redrive --consumer rejects --all --no-wait";
    runtime.said(folder, left).ends_with(0).says("redrove 6 dead letters");
}
