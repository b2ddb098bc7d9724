//! `/plugins` shows the files in the plugins directory, the running plugins, and why a plugin does not run.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::tempdir;

use super::http::{Http, event};
use super::process::{Runtime, Said, camshaft, write};

/// Time limit for the runtime to notice a change in the directory.
const PATIENCE: Duration = Duration::from_secs(60);

/// Puts a complete guest into the directory.
fn drop_in(folder: &Path, guest: &str, stem: &str) {
    let partial = folder.join(".partial");
    fs::copy(camshaft_test_guests::component(guest), &partial).unwrap();
    fs::rename(partial, folder.join("plugins").join(format!("{stem}.wasm"))).unwrap();
}

/// Waits until `wanted` accepts the plugin.
#[track_caller]
fn until(http: &Http, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = http.get(&format!("/plugins/{name}"));
        if answer.status == 200 && wanted(&answer.json()) {
            let plugin = answer.json();
            assert!(http.items("/plugins").contains(&plugin), "the listing says the same");
            return plugin;
        }
        assert!(Instant::now() < deadline, "the plugin never reached the expected state: {answer:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_plugin_is_shown_with_its_limits_grants_and_last_refusal() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("plugins")).unwrap();
    let operator = "grants = [\"http\"]\n[limits]\ndeadline = \"200ms\"\nmemory = \"16MiB\"\n";
    write(&folder.join("plugins"), "tally.toml", operator);
    drop_in(folder, "counter", "tally");
    let runtime = Runtime::start(folder, &[]);
    let http = Http::new(runtime.url());

    let plugin = until(&http, "counter", |plugin| plugin["status"] == "active");
    let report = runtime.said(folder, "plugins counter --json").ends_with(0).stdout;
    assert_eq!(serde_json::from_str::<Value>(&report).unwrap(), plugin);
    let file = folder.join("plugins/tally.wasm");
    let check = Said::of(camshaft(folder).args(["check", "--json"]).arg(&file));
    let report: Value = serde_json::from_str(&check.ends_with(0).stdout).unwrap();
    for fact in ["version", "digest", "publishes", "capabilities"] {
        assert_eq!(plugin[fact], report[fact], "{fact}");
    }
    assert_eq!(plugin["limits"], json!({"deadline_ms": 200, "memory_bytes": 16 << 20}));
    assert_eq!(plugin["grants"], json!(["http"]));
    assert_eq!(plugin["subscriptions"], json!([{"handler": "count", "types": ["test.event"]}]));
    assert!(plugin["file"].as_str().unwrap().ends_with("plugins/tally.wasm"), "{plugin}");
    assert_eq!((&plugin["last_refusal"], &plugin["last_error"]), (&Value::Null, &Value::Null));

    // A bad update does not change the running version.
    fs::write(&file, "not a plugin").unwrap();
    let refused = until(&http, "counter", |plugin| plugin["last_refusal"].is_object());
    assert_eq!((&refused["status"], &refused["digest"]), (&plugin["status"], &plugin["digest"]));
    let refusal = &refused["last_refusal"];
    assert_eq!((&refusal["code"], &refusal["file"]), (&json!("not-wasm"), &plugin["file"]));
    assert!(
        refusal["message"].as_str().unwrap().contains("is not a WebAssembly file: it is text"),
        "{refusal}"
    );
    assert!(refusal["hint"].as_str().unwrap().ends_with('.'), "{refusal}");
    assert_eq!(http.publish(&[event(1, 1)]).status, 200);
    runtime.until(folder, "state get counter total", |stdout| stdout == "1\n");

    drop_in(folder, "counter", "tally");
    until(&http, "counter", |plugin| plugin["last_refusal"].is_null());
    fs::remove_file(&file).unwrap();
    let gone = || http.get("/plugins/counter");
    let deadline = Instant::now() + PATIENCE;
    while gone().status == 200 {
        assert!(Instant::now() < deadline, "it is still there");
        thread::sleep(Duration::from_millis(20));
    }
    gone().problem(404, "plugin-not-found");
}

#[test]
fn a_refused_file_is_shown_under_its_own_name_with_what_to_do() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("plugins")).unwrap();
    drop_in(folder, "asks-for-sockets", "greedy");
    let runtime = Runtime::start(folder, &[]);
    let http = Http::new(runtime.url());
    let refused = until(&http, "greedy", |plugin| plugin["status"] == "refused");
    assert_eq!(refused["last_refusal"]["code"], "unknown-capability");
    let message = refused["last_refusal"]["message"].as_str().unwrap();
    assert!(message.contains("\"sockets\", which this camshaft does not have"), "{message}");
    assert_eq!(refused["activation"], Value::Null);
}

#[test]
fn the_last_failed_attempt_is_shown_in_one_line() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("plugins")).unwrap();
    write(&folder.join("plugins"), "panics.toml", "[policy]\nmax_attempts = 1\n");
    drop_in(folder, "panics", "panics");
    let runtime = Runtime::start(folder, &[]);
    let http = Http::new(runtime.url());
    until(&http, "panics", |plugin| plugin["status"] == "active");
    let answer = http.publish(&[event(1, 1)]).json();
    let plugin = until(&http, "panics", |plugin| plugin["last_error"].is_object());
    let error = &plugin["last_error"];
    assert_eq!((&error["cause"], &error["offset"]), (&json!("trap"), &answer["results"][0]["offset"]));
    let line = error["error"].as_str().unwrap();
    assert!(line.contains("panicked") && line.contains("no flux") && !line.contains('\n'), "{line}");
    assert_eq!(plugin["status"], "active", "one bad event does not stop it");
}
