//! Plugin versions at the command line and over HTTP: history, rollback, pin and unpin, across a kill.

use std::fs;
use std::path::Path;

use camshaft_test_guests::version;
use serde_json::{Value, json};
use tempfile::tempdir;

use super::http::Http;
use super::process::{Runtime, camshaft};

/// Puts a complete version of the plugin into the directory.
fn drop_in(folder: &Path, number: u32) {
    fs::write(folder.join(".partial"), version(number, "good")).unwrap();
    fs::rename(folder.join(".partial"), folder.join("plugins/reloads.wasm")).unwrap();
}

/// Waits until the plugin runs under activation `wanted`.
fn until_activation(runtime: &Runtime, folder: &Path, wanted: u64) -> Value {
    let is_so = |stdout: &str| {
        serde_json::from_str::<Value>(stdout).is_ok_and(|plugin| plugin["activation"] == wanted)
    };
    let said = runtime.until(folder, "plugins reloads --json", is_so);
    serde_json::from_str(&said.stdout).unwrap()
}

#[test]
fn an_operator_goes_back_pins_and_unpins_and_a_kill_changes_nothing() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("plugins")).unwrap();
    drop_in(folder, 1);
    let runtime = Runtime::start(folder, &[]);
    let first = until_activation(&runtime, folder, 1)["digest"].as_str().unwrap().to_owned();
    drop_in(folder, 2);
    let second = until_activation(&runtime, folder, 2)["digest"].as_str().unwrap().to_owned();

    let said = runtime.said(folder, "plugins rollback reloads --yes").ends_with(0);
    let (short_first, short_second) = (&first[..12], &second[..12]);
    let said = said.says(&format!("plugin \"reloads\" runs version 0.1.0, {short_first}"));
    let said = said.says(&format!("version 0.1.0, {short_second}, waits: it was rolled back by hand"));
    said.says("camshaft plugins rollback reloads --to DIGEST");
    let said = runtime.said(folder, "plugins history reloads").ends_with(0);
    let lines: Vec<Vec<&str>> = said.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    let [header, third, taken_back, replaced] = lines.as_slice() else { panic!("{}", said.stdout) };
    assert_eq!(header, &["ACTIVATION", "VERSION", "DIGEST", "SINCE", "OUTCOME", "KEPT", "REASON"]);
    assert_eq!((third[0], third[2], third[4]), ("3", short_first, "running"));
    assert_eq!(
        (taken_back[2], &taken_back[4..]),
        (short_second, &["rolled", "back", "to", "3", "yes", "by", "hand"][..])
    );
    assert_eq!((replaced[0], &replaced[4..7]), ("1", &["replaced", "by", "2"][..]));
    runtime
        .said(folder, "plugins")
        .ends_with(0)
        .prints("active, update waiting")
        .prints("rolled back by hand");
    runtime.said(folder, "plugins rollback reloads --yes").ends_with(3).says("[no-earlier-version]");

    runtime.signal("KILL");
    runtime.wait();
    let runtime = Runtime::start(folder, &[]);
    let http = Http::new(runtime.url());
    let is_so = |stdout: &str| stdout.contains(&first) && stdout.contains("rolled back by hand");
    runtime.until(folder, "plugins reloads", is_so);

    let pinned = http.post("/plugins/reloads/pin", &json!({"digest": &second[..6]})).json();
    assert_eq!((&pinned["digest"], &pinned["pinned"]), (&json!(second), &json!(second)));
    assert_eq!(pinned["waiting"], Value::Null, "the file holds what is pinned");
    let refused = http.post("/plugins/reloads/rollback", &json!({"to": first}));
    let hint = refused.problem(409, "plugin-pinned")["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("Unpin"), "{hint}");
    http.post("/plugins/reloads/rollback", &json!({"too": first})).problem(400, "invalid-request");
    http.post("/plugins/reloads/pin", &json!({"digest": ""})).problem(400, "version-ambiguous");
    http.post("/plugins/reloads/pin", &json!({"digest": "zz"})).problem(404, "version-not-kept");
    http.post("/plugins/nobody/unpin", &json!(null)).problem(404, "plugin-not-found");
    http.get("/plugins/nobody/history").problem(404, "plugin-not-found");
    runtime
        .said(folder, "plugins unpin reloads")
        .ends_with(0)
        .says(&format!("runs version 0.1.0, {short_second}"));
    runtime.said(folder, &format!("plugins pin reloads {short_first}")).ends_with(0).says("pinned");
    let listed =
        camshaft(folder).args(["plugins", "history", "reloads", "--json", "--url", runtime.url()]).output();
    let listed: Value = serde_json::from_slice(&listed.unwrap().stdout).unwrap();
    assert_eq!(listed["items"], http.get("/plugins/reloads/history").json()["items"]);
    assert_eq!(listed["items"][0]["outcome"], "running");

    let system = http.get("/events?system=true&type=camshaft.plugin.**").body;
    for told in ["plugin.activated", "plugin.rolled-back", "plugin.pinned", "plugin.unpinned"] {
        assert!(system.contains(&format!("camshaft.{told}")), "{told} is not in: {system}");
    }
}

/// Installs a version that handles another event type.
fn drop_in_for_another_type(folder: &Path, number: u32) {
    let (mut bytes, from, to) = (version(number, "good"), b"test.event", b"test.other");
    let places: Vec<usize> =
        bytes.windows(from.len()).enumerate().filter(|(_, part)| part == from).map(|(at, _)| at).collect();
    places.iter().for_each(|at| bytes[*at..at + from.len()].copy_from_slice(to));
    fs::write(folder.join(".partial"), bytes).unwrap();
    fs::rename(folder.join(".partial"), folder.join("plugins/reloads.wasm")).unwrap();
}

#[test]
fn what_an_earlier_version_handled_is_shown_as_done_also_if_the_newest_does_not_want_it() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("plugins")).unwrap();
    drop_in(folder, 1);
    let runtime = Runtime::start(folder, &[]);
    let first = until_activation(&runtime, folder, 1)["digest"].clone();
    let event = |id: u32| {
        format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"test.event","data":{{"number":{id}}}}}"#
        )
    };
    fs::write(folder.join("one.ndjson"), event(1)).unwrap();
    fs::write(folder.join("two.ndjson"), event(2)).unwrap();
    runtime.said(folder, "publish one.ndjson").ends_with(0);
    let status = |shown: &str| {
        let shown: Value = serde_json::from_str(shown).unwrap();
        let delivery = &shown["deliveries"][0];
        (delivery["status"].clone(), delivery["attempt"].clone(), delivery["digest"].clone())
    };
    let is_done = |shown: &str| status(shown) == (json!("done"), json!(1), first.clone());
    runtime.until(folder, "show /s#1 --json", is_done);
    drop_in_for_another_type(folder, 2);
    until_activation(&runtime, folder, 2);
    assert!(is_done(&runtime.said(folder, "show /s#1 --json").ends_with(0).stdout));
    runtime.said(folder, "publish two.ndjson").ends_with(0);
    runtime.until(folder, "show /s#2 --json", |shown| status(shown).0 == "not-wanted");
}
