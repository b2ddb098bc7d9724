//! Publishing again after a failure, and events that are not duplicates.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tempfile::tempdir;

use super::process::{Runtime, Said};

/// Runs a command with `input` on its stdin.
fn said_with(runtime: &Runtime, folder: &Path, line: &str, input: &str) -> Said {
    let mut command = runtime.camshaft(folder, line);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Said::from(child.wait_with_output().unwrap())
}

fn events(runtime: &Runtime, folder: &Path) -> Vec<Value> {
    let all = runtime.said(folder, "read --json").ends_with(0).stdout;
    all.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_the_hint_says_after_a_refused_line_of_stdin_doubles_nothing() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let runtime = Runtime::start(folder, &[]);
    let publish = "publish --type row.read";
    let refused =
        said_with(&runtime, folder, publish, "{\"n\":1}\n{n:2}\n{\"n\":3}\n{\"n\":3}\n").ends_with(6);
    let name = refused.stderr.split("--run ").nth(1).unwrap().split(':').next().unwrap();
    // The input is corrected, with one more line at the top.
    let again = "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":3}\n";
    said_with(&runtime, folder, &format!("{publish} --run {name}"), again)
        .ends_with(0)
        .prints("published 2, duplicate 3, refused 0")
        .says("already in the log: line 2 (offset 0), line 4 (offset 1), line 5 (offset 2)");
    let mut numbers: Vec<u64> =
        events(&runtime, folder).iter().map(|event| event["data"]["n"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 3, 3]);
    // The same text in another run is a new event.
    said_with(&runtime, folder, publish, "{\"n\":1}\n").ends_with(0).prints("published 1, duplicate 0");
}

#[test]
fn equal_lines_of_two_files_of_one_name_are_two_events() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let runtime = Runtime::start(folder, &[]);
    for day in ["day1", "day2"] {
        fs::create_dir(folder.join(day)).unwrap();
        fs::write(folder.join(day).join("rows.ndjson"), format!("{{\"total\":0}}\n{{\"of\":\"{day}\"}}\n"))
            .unwrap();
        let publish = format!("publish --type T {day}/rows.ndjson");
        runtime.said(folder, &publish).ends_with(0).prints("published 2, duplicate 0, refused 0");
    }
    runtime.said(&folder.join("day1"), "publish --type T rows.ndjson").prints("published 0, duplicate 2");
    assert_eq!(events(&runtime, folder).len(), 4);
}

#[test]
fn an_id_comes_from_the_data_if_it_is_said_where() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let runtime = Runtime::start(folder, &[]);
    let publish = "publish --type order.placed --id /order/id --json";
    let lines = "{\"order\":{\"id\":\"o-1\"}}\n{\"order\":{}}\n";
    let said = said_with(&runtime, folder, publish, lines).ends_with(6);
    let outcome: Value = serde_json::from_str(&said.stdout).unwrap();
    let receipts = outcome["receipts"].as_array().unwrap();
    assert_eq!((receipts.len(), &receipts[0]["id"]), (1, &Value::from("o-1")), "{outcome}");
    said.says("line 2").says("at /order/id");
    let again = said_with(&runtime, folder, publish, "{\"order\":{\"id\":\"o-1\"}}\n").ends_with(0);
    assert!(again.stdout.contains("\"duplicate\":1"), "{again:?}");
}
