//! The command line with a real runtime: the commands of operators and producers, in typical order.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "cli/process.rs"]
#[expect(dead_code, reason = "shared with the other tests of the command line")]
mod process;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::tempdir;

use process::{Runtime, Said, camshaft, write};

const EVENTS: &str = r#"{"specversion":"1.0","id":"1","source":"/shop","type":"order.placed","subject":"c-9","data":{"sku":"pen"}}

{"specversion":"1.0","id":"2","source":"/shop","type":"order.paid","subject":"c-9"}
"#;

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn events_are_published_once_and_read_back() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let runtime = Runtime::start(folder, &[]);
    runtime.said(folder, "read").ends_with(0).says("the log is empty").says("camshaft publish");
    write(folder, "events.ndjson", EVENTS);
    let published = runtime.said(folder, "publish events.ndjson").ends_with(0);
    assert_eq!(published.stdout, "published 2, duplicate 0, refused 0\n");
    let again = runtime.said(folder, "publish events.ndjson --json").ends_with(0);
    let receipt = |id: &str, line: u64, offset: u64| json!({"line": line, "id": id, "source": "/shop", "offset": offset, "duplicate": true});
    // There is an empty line between the two.
    let receipts = [receipt("1", 1, 0), receipt("2", 3, 1)];
    let expected = json!({"published": 0, "duplicate": 2, "refused": 0, "receipts": receipts});
    assert_eq!(json_lines(&again.stdout), [expected]);
    again.says("note: already in the log: line 1 (offset 0), line 3 (offset 1)\n");

    let all = json_lines(&runtime.said(folder, "read --json").ends_with(0).stdout);
    assert_eq!(all.iter().map(|event| &event["offset"]).collect::<Vec<_>>(), ["0", "1"]);
    assert_eq!(all[0]["data"]["sku"], "pen");
    let text = runtime.said(folder, "read --type order.paid").ends_with(0).stdout;
    assert_eq!(text.split_whitespace().collect::<Vec<_>>(), ["1", "-", "order.paid", "c-9", "-"]);
    assert_eq!(runtime.said(folder, "read --from 1 --json").stdout.lines().count(), 1);
    assert_eq!(runtime.said(folder, "read --limit 1 --json").stdout.lines().count(), 1);
    runtime.said(folder, "read --type order.lost").ends_with(0).says("no event matches");

    let (status, _) = runtime.stop();
    assert!(status.success(), "{status}");
    let runtime = Runtime::start(folder, &[]);
    assert_eq!(runtime.said(folder, "read --json").stdout.lines().count(), 2, "the log survives");
}

#[test]
fn refused_lines_are_named_and_cost_no_other() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let runtime = Runtime::start(folder, &[]);
    let event = |id: &str, kind: &str| {
        format!(r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"{kind}","data":1}}"#)
    };
    let lines =
        [event("1", "a.b"), "nonsense".into(), event("2", "camshaft.mine"), event("3", "a.b")].join("\n");
    write(folder, "mixed.ndjson", &lines);
    runtime
        .said(folder, "publish mixed.ndjson")
        .ends_with(6)
        .prints("published 2, duplicate 0, refused 2\n")
        .says("refused: line 2: the event is not JSON")
        .says("refused: line 3: ")
        .says("[reserved-event]")
        .says("error: 2 of 4 events were refused [partly-refused]");
    // The same id with different content.
    let mut child =
        runtime.camshaft(folder, "publish -").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(event("1", "a.c").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("[event-conflict]"));
    write(folder, "empty.ndjson", "\n");
    runtime.said(folder, "publish empty.ndjson").ends_with(0).says("the input contains no events");
}

#[test]
fn lines_of_data_become_events_that_are_recognized_again() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let runtime = Runtime::start(folder, &[]);
    let rows: String = (0..1_234).map(|row| format!("{{\"row\":{row}}}\n")).collect();
    write(folder, "rows.ndjson", &rows);
    let publish = "publish rows.ndjson --type row.read --source /import --subject s --key k --batch 100";
    runtime
        .said(folder, publish)
        .ends_with(0)
        .prints("published 1234, duplicate 0, refused 0")
        .says("no plugins yet");
    runtime.said(folder, publish).ends_with(0).prints("published 0, duplicate 1234, refused 0");
    let events = json_lines(&runtime.said(folder, "read --json").stdout);
    let event = &events[7];
    assert!(event["id"].as_str().unwrap().starts_with("rows.ndjson:"), "{event}");
    assert_eq!(event["source"], "/import");
    assert_eq!((&event["subject"], &event["partitionkey"]), (&Value::from("s"), &Value::from("k")));
    assert_eq!(event["data"]["row"], 7);
    assert!(
        events.iter().map(|event| event["data"]["row"].as_u64().unwrap()).eq(0..1_234),
        "in the file's order"
    );
}

#[test]
fn whoever_reads_only_the_beginning_is_no_failure() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let runtime = Runtime::start(folder, &[]);
    // More than the buffer of a pipe, so that the command is still writing when the reader closes it.
    let rows: String = (0..3_000).map(|row| format!("\"{row:0>100}\"\n")).collect();
    write(folder, "rows.ndjson", &rows);
    runtime.said(folder, "publish rows.ndjson --type row.read").ends_with(0);
    let mut read =
        runtime.camshaft(folder, "read").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(read.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("row.read"), "{first}");
    let output = read.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn tail_shows_the_last_events_and_follows() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let runtime = Runtime::start(folder, &[]);
    write(folder, "events.ndjson", EVENTS);
    runtime.said(folder, "publish events.ndjson").ends_with(0);
    let mut tail = runtime.camshaft(folder, "tail -n 1 --json").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["type"], "order.paid");
    write(folder, "more.ndjson", "1\n");
    runtime.said(folder, "publish more.ndjson --type order.shipped").ends_with(0);
    assert_eq!(next()["type"], "order.shipped");
    drop(lines);
    // The runtime drains even while a client follows it.
    assert!(runtime.stop().0.success());
    assert_eq!(tail.wait().unwrap().code(), Some(4), "the follower reports that the runtime has stopped");
}

#[test]
fn operators_see_that_nothing_is_there_yet_and_what_was_refused() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let runtime = Runtime::start(folder, &[]);
    for (line, remark) in [
        ("plugins", "`camshaft deploy FILE.wasm` to install it"),
        ("consumers", "each plugin is one consumer"),
        ("dead-letters list", "there are no dead letters"),
        ("redrives", "camshaft dead-letters redrive --consumer C --all"),
    ] {
        assert_eq!(runtime.said(folder, line).ends_with(0).says(remark).stdout, "");
        let json = runtime.said(folder, &format!("{line} --json")).ends_with(0);
        assert_eq!((json_lines(&json.stdout)[0]["items"].clone(), json.stderr.as_str()), (json!([]), ""));
    }
    runtime.said(folder, "plugins tally").ends_with(3).says("[plugin-not-found]");
    runtime.said(folder, "consumers tally").ends_with(3).says("[consumer-not-found]");
    runtime.said(folder, "consumers remove tally --yes").ends_with(3).says("[consumer-not-found]");
    runtime.said(folder, "dead-letters show tally:1").ends_with(3);
    runtime
        .said(folder, "dead-letters redrive --consumer tally --all")
        .ends_with(3)
        .says("[consumer-not-found]");
    runtime.said(folder, "redrives 1").ends_with(3).says("[redrive-not-found]");
    runtime.said(folder, "state get tally a").ends_with(3).says("[plugin-not-found]");
    write(&folder.join("plugins"), "notes.wasm", "not a plugin");
    runtime.until(folder, "plugins", |stdout| stdout.contains("refused")).says("hint: ");
    runtime.said(folder, "plugins notes").ends_with(0).prints("not-wasm");
    let said = Said::of(camshaft(folder).args(["run", "--listen", "127.0.0.1:0", "--data", "data"]));
    said.ends_with(5).says("is in use by another process [data-in-use]").says("--data");
    let (status, stderr) = runtime.stop();
    assert!(status.success());
    assert!(stderr.contains("there are no plugins in \"./plugins\" yet"), "{stderr}");
    assert!(stderr.contains("stopped"), "{stderr}");
}

#[test]
fn a_token_opens_the_runtime_and_its_absence_is_said() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    write(folder, "token", "0123456789abcdef\n");
    let runtime = Runtime::start(folder, &["--token-file", "token"]);
    runtime.said(folder, "plugins").ends_with(2).says("[unauthorized]").says("CAMSHAFT_TOKEN");
    runtime.said(folder, "plugins --token 0123456789abcdef").ends_with(0);
    let mut command = runtime.camshaft(folder, "consumers");
    Said::of(command.env("CAMSHAFT_TOKEN", "0123456789abcdef")).ends_with(0);
}

#[test]
fn a_rejected_event_is_found_redriven_and_discarded() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let plugin = camshaft_test_guests::component("rejects");
    let report = Said::of(camshaft(folder).arg("check").arg(plugin)).ends_with(0);
    assert!(
        report.stdout.starts_with("rejects ") && report.stdout.contains("test.event with decide"),
        "{report:?}"
    );
    fs::create_dir(folder.join("plugins")).unwrap();
    fs::copy(plugin, folder.join("plugins/rejects.wasm")).unwrap();
    let runtime = Runtime::start(folder, &[]);
    runtime.until(folder, "plugins", |stdout| stdout.contains("active"));
    write(folder, "data.ndjson", "{}\n{\"reject\":true}\n{}\n");
    let published = runtime.said(folder, "publish data.ndjson --type test.event --key k").ends_with(0);
    assert_eq!(published.stderr, "", "a plugin handles them");
    runtime.until(folder, "dead-letters list --consumer rejects", |stdout| {
        stdout.contains("reject: the data asks to be rejected")
    });
    assert_eq!(
        runtime.until(folder, "state get rejects accepted", |stdout| !stdout.is_empty()).stdout,
        "1\n"
    );
    let letters =
        runtime.until(folder, "dead-letters list --json", |stdout| stdout.contains("\"waiting\":1"));
    let letters: Value = serde_json::from_str(&letters.stdout).unwrap();
    let id = letters["items"][0]["id"].as_str().unwrap();
    runtime
        .said(folder, &format!("dead-letters show {id}"))
        .ends_with(0)
        .prints("\"reject\":true")
        .prints("waiting");
    let state = runtime.said(folder, "state list rejects").ends_with(0).stdout;
    assert_eq!(state.split_whitespace().collect::<Vec<_>>(), ["KEY", "VALUE", "accepted", "1"]);
    assert_eq!(runtime.camshaft(folder, "state get rejects accepted --raw").output().unwrap().stdout, [1]);
    runtime.said(folder, "consumers").ends_with(0).says("dead-letters list --consumer rejects");

    let redriven = runtime.said(folder, &format!("dead-letters redrive {id}")).ends_with(3);
    redriven.says("redrove 1 dead letter").says("1 dead letter failed again [dead-again]");
    let again = runtime.said(folder, "dead-letters list --json").stdout;
    assert!(again.contains("\"redrives\":1"), "it was waited for: {again}");
    runtime.said(folder, &format!("dead-letters redrive {id} --no-wait")).ends_with(0).says("redrove 1 dead");
    runtime.until(folder, "dead-letters list --json", |stdout| stdout.contains("\"redrives\":2"));
    for lossy in
        [format!("dead-letters discard {id}"), "dead-letters discard --consumer rejects --all".into()]
    {
        runtime.said(folder, &lossy).ends_with(2).says("Discard 1 dead letter for good?").says("--yes");
    }
    runtime.said(folder, "dead-letters list --json").prints("\"redrives\":2");
    runtime
        .said(folder, "dead-letters discard --consumer rejects --all --yes")
        .ends_with(0)
        .says("discarded 1");
    runtime.until(folder, "state get rejects accepted", |stdout| stdout == "2\n");
    let discard = format!("dead-letters discard {id} --yes");
    runtime.said(folder, &discard).ends_with(3).says("[dead-letter-not-found]");
    steer(&runtime, folder);
    forget(&runtime, folder);
}

/// Pauses, resumes and resets a consumer, each with one command that reports its effect.
fn steer(runtime: &Runtime, folder: &Path) {
    runtime.said(folder, "consumers pause rejects").ends_with(0).says("`camshaft consumers resume rejects`");
    let paused = runtime.said(folder, "consumers rejects").ends_with(0);
    paused.prints("status        paused").prints("by hand, since");
    runtime.said(folder, "consumers resume rejects").ends_with(0).says("\"rejects\" is resumed");
    runtime.said(folder, "consumers pause none").ends_with(3).says("[consumer-not-found]");
    runtime.said(folder, "consumers pause rejects --json").ends_with(0).prints("\"status\":\"paused\"");
    runtime.said(folder, "consumers resume rejects --json").ends_with(0).prints("\"status\":\"attached\"");

    runtime.said(folder, "consumers reset rejects --to noon").ends_with(2).says("or an age such as");
    let reset = "consumers reset rejects --to 0 --keep-state --yes";
    runtime.said(folder, reset).ends_with(0).says("restarts at offset 0");
    runtime.until(folder, "consumers rejects --json", |stdout| stdout.contains("\"dead\":1,"));
    runtime.until(folder, "state get rejects accepted", |stdout| stdout == "3\n");
    runtime.said(folder, "consumers reset rejects --to 2h").ends_with(2).says("--yes");
    runtime.said(folder, "consumers reset rejects --to 2h --yes").ends_with(0);
    runtime.until(folder, "state get rejects accepted", |stdout| stdout == "1\n");
    let latest = runtime.said(folder, "consumers reset rejects --to latest --yes --json").ends_with(0);
    assert!(latest.stdout.starts_with("{\"offset\":"), "{latest:?}");
}

/// An attached consumer cannot be removed; a detached one can.
fn forget(runtime: &Runtime, folder: &Path) {
    runtime.said(folder, "consumers remove rejects --yes").ends_with(3).says("[consumer-attached]");
    fs::remove_file(folder.join("plugins/rejects.wasm")).unwrap();
    runtime.until(folder, "consumers rejects --json", |stdout| stdout.contains("\"status\":\"detached\""));
    runtime.said(folder, "consumers remove rejects").ends_with(2).says("--yes");
    runtime.said(folder, "consumers remove rejects --yes").ends_with(0);
    runtime.said(folder, "consumers rejects").ends_with(3);
}
