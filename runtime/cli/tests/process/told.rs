//! Information that the log and `camshaft plugins` show unasked: the event of a plugin's log line, pauses and
//! redrives, and settings and files without effect.

use std::fs;

use serde_json::Value;
use tempfile::tempdir;

use super::http::{Http, event};
use super::process::{Runtime, run, write};

#[test]
fn a_plugins_line_says_which_event_it_is_about() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("plugins")).unwrap();
    let runtime = Runtime::start(folder, &[]);
    fs::copy(camshaft_test_guests::component("logs"), folder.join("logs.wasm")).unwrap();
    runtime.said(folder, "deploy logs.wasm").ends_with(0);
    write(folder, "one.ndjson", "{}\n");
    let published =
        runtime.said(folder, "publish one.ndjson --type test.event --key k-1 --json").ends_with(0).stdout;
    let receipt = serde_json::from_str::<Value>(&published).unwrap()["receipts"][0].clone();
    runtime.until(folder, "consumers logs --json", |stdout| stdout.contains("\"lag\":0,\"in_flight\":0"));
    let (_, said) = runtime.stop();
    let line = |message: &str| {
        said.lines()
            .find(|line| line.contains(message))
            .unwrap_or_else(|| panic!("{message}: {said}"))
            .to_owned()
    };
    let (id, offset) = (&receipt["id"], &receipt["offset"]);
    let facts = format!(
        "warn line consumer=\"logs\" offset={offset} event={id} type=\"test.event\" key=\"k-1\" attempt=1"
    );
    assert!(line("warn line").ends_with(&facts), "{}", line("warn line"));
    let info = line("info line");
    assert!(info.contains(&format!(" attempt=1 fields=\"id={}", id.as_str().unwrap())), "{info}");
}

#[test]
fn the_log_has_a_line_for_a_pause_by_the_circuit_breaker_and_for_each_redrive() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("reloads.wasm"), camshaft_test_guests::version(1, "late")).unwrap();
    let policy = "[policy]\nbackoff = { base = \"4h\", max = \"4h\" }\n\
                  breaker = { failure_percent = 100, attempts = 2, pause = \"4h\", max_pause = \"4h\" }\n";
    write(folder, "reloads.toml", policy);
    let runtime = Runtime::start(folder, &[]);
    runtime.said(folder, "deploy reloads.wasm --toml reloads.toml").ends_with(0);
    let event = |id: u32, refuse: bool| {
        format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"test.event","partitionkey":"k-{id}","data":{{"number":{id},"refuse":{refuse}}}}}"#
        )
    };
    // A reject, which the circuit breaker does not count.
    write(folder, "refused.ndjson", &event(1, true));
    runtime.said(folder, "publish refused.ndjson").ends_with(0);
    let redrives = |count: u32| {
        let redrives = format!("\"redrives\":{count},");
        let listed =
            runtime.until(folder, "dead-letters list --json", |stdout| stdout.contains(&redrives)).stdout;
        serde_json::from_str::<Value>(&listed).unwrap()["items"][0].clone()
    };
    let letter = redrives(0);
    let id = letter["id"].as_str().unwrap();
    runtime.said(folder, &format!("dead-letters redrive {id} --no-wait")).ends_with(0);
    redrives(1);
    runtime.said(folder, "dead-letters redrive --consumer reloads --all --no-wait").ends_with(0);
    redrives(2);
    // Both attempts fail.
    write(folder, "late.ndjson", &[event(2, false), event(3, false)].join("\n"));
    runtime.said(folder, "publish late.ndjson").ends_with(0);
    runtime.until(folder, "consumers reloads --json", |stdout| stdout.contains("\"reason\":\"breaker\""));

    let (_, said) = runtime.stop();
    let lines = |message: &str| -> Vec<&str> {
        let of_consumer = format!(" {message} consumer=\"reloads\" ");
        said.lines().filter_map(|line| Some(line.split_once(&of_consumer)?.1)).collect()
    };
    let redriven = format!("offset={} key=\"k-1\" reason=\"by an operator\"", letter["offset"]);
    assert_eq!(lines("a dead letter was redriven"), [redriven.as_str()], "{said}");
    assert_eq!(lines("a redrive job began"), ["reason=\"job 1: 1 dead letters\""], "{said}");
    assert_eq!(lines("a redrive job ended"), ["reason=\"job 1: 1 of 1 redriven, 0 gone\""], "{said}");
    let paused = "reason=\"too many attempts failed: its circuit breaker is open\"";
    assert_eq!(lines("a consumer is paused"), [paused], "{said}");
}

#[test]
fn what_has_no_effect_is_told_in_the_log_and_in_the_listing() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let plugins = folder.join("plugins");
    fs::create_dir(&plugins).unwrap();
    fs::create_dir(plugins.join("sub")).unwrap();
    let counter = camshaft_test_guests::component("counter");
    for file in ["sub/x.wasm", "X.WASM"] {
        fs::copy(counter, plugins.join(file)).unwrap();
    }
    write(&plugins, "countr.toml", "");
    let mut command = run(folder);
    let runtime = Runtime::spawn(command.env("CAMSHAFT_LISTN", "127.0.0.1:1"));
    fs::copy(counter, folder.join("counter.wasm")).unwrap();
    runtime.said(folder, "deploy counter.wasm").ends_with(0);
    let listing = runtime.until(folder, "plugins --json", |stdout| {
        stdout.contains("countr.toml") && stdout.contains("X.WASM")
    });
    assert!(listing.stdout.contains("sub/x.wasm"), "{listing:?}");
    let listed = runtime.said(folder, "plugins").ends_with(0);
    listed
        .says("there is no \"countr.wasm\" beside this operator's file")
        .says("rename it to \"counter.toml\"");

    // The consumer already has 64 partitions.
    write(folder, "eight.toml", "grants = [\"http\"]\n[policy]\npartitions = 8\n");
    runtime.said(folder, "deploy counter.wasm --toml eight.toml").ends_with(0);
    let shown = runtime.said(folder, "plugins counter").ends_with(0);
    shown
        .prints("`partitions = 8` has no effect: the consumer was created with 64")
        .prints("\"http\" is granted but not requested")
        .prints("64 (consumer)");
    let http = Http::new(runtime.url());
    assert_eq!(http.publish(&[event(1, 1)]).status, 200);
    runtime.until(folder, "state get counter total", |stdout| stdout == "1\n");
    write(folder, "typo.toml", "grants = [\"htp\"]\n");
    let refused = runtime.said(folder, "deploy counter.wasm --toml typo.toml").ends_with(3);
    refused.says("grants \"htp\", which is not a capability");

    let (_, said) = runtime.stop();
    for told in ["CAMSHAFT_LISTEN", "sub/x.wasm", "X.WASM", "countr.toml", "`partitions = 8` has no effect"] {
        assert!(said.contains(told), "{told}: {said}");
    }
}

#[test]
fn a_full_consumer_says_what_frees_it() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    write(folder, "camshaft.toml", "[limits]\nmax_held_events = 2\n");
    let runtime = Runtime::start(folder, &[]);
    fs::copy(camshaft_test_guests::component("rejects"), folder.join("rejects.wasm")).unwrap();
    runtime.said(folder, "deploy rejects.wasm").ends_with(0);
    write(folder, "bad.ndjson", &"{\"reject\":true}\n".repeat(5));
    runtime.said(folder, "publish bad.ndjson --type test.event").ends_with(0);
    runtime.until(folder, "consumers rejects --json", |stdout| stdout.contains("\"status\":\"full\""));
    for line in ["consumers", "consumers rejects"] {
        let said = runtime.said(folder, line).ends_with(0);
        said.says("redrive --consumer rejects --all").says("consumers reset rejects --to latest");
    }
    runtime.said(folder, "consumers reset rejects --to latest --yes").ends_with(0);
    runtime.until(folder, "consumers rejects --json", |stdout| stdout.contains("\"status\":\"attached\""));
}
