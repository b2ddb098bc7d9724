//! The ready-made plugins of this repository: fixtures with their example files, and tests in a runtime.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod alert;
mod fixtures;
#[path = "../cli/process.rs"]
#[expect(dead_code, reason = "shared with the other tests of the command line")]
mod process;
#[path = "../cli/receiver.rs"]
mod receiver;
mod several;
mod webhook;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde_json::Value;

use process::{Runtime, write};

/// Plugins that send no requests. They are built separately, because the SDK's feature for requests would
/// apply to all of them.
const SELF_CONTAINED: [&str; 4] = ["map", "router", "tally", "threshold-alert"];
const SENDING: [&str; 1] = ["webhook"];

/// The folder with the sources of the plugins.
fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins")
}

/// The component of a ready-made plugin. The first call builds all of them.
fn component(name: &str) -> &'static Path {
    static BUILT: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let mut built = camshaft_test_guests::plugins(&SELF_CONTAINED);
        built.extend(camshaft_test_guests::plugins(&SENDING));
        built
    });
    built.get(name).unwrap_or_else(|| panic!("no plugin is called \"{name}\""))
}

/// Puts a plugin into `folder/plugins` as `file`, with the operator's file beside it.
fn drop_in(folder: &Path, plugin: &str, file: &str, operator: &str) {
    let plugins = folder.join("plugins");
    fs::create_dir_all(&plugins).unwrap();
    write(&plugins, &format!("{file}.toml"), operator);
    fs::copy(component(plugin), plugins.join(format!("{file}.wasm"))).unwrap();
}

/// Publishes CloudEvents. `events` contains only the attributes that differ.
fn publish(runtime: &Runtime, folder: &Path, events: &[Value]) {
    let line = |event: &Value| {
        let mut event = event.clone();
        event["specversion"] = "1.0".into();
        event["source"] = "/shop".into();
        event.to_string() + "\n"
    };
    write(folder, "events.ndjson", &events.iter().map(line).collect::<String>());
    runtime.said(folder, "publish events.ndjson").ends_with(0);
}

/// Waits for `count` events of a type, and returns all.
fn published(runtime: &Runtime, folder: &Path, event_type: &str, count: usize) -> Vec<Value> {
    let command = format!("read --json --type {event_type}");
    let said = runtime.until(folder, &command, |stdout| stdout.lines().count() >= count);
    said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
