//! `examples/polyglot`: Rust, JavaScript and Python handle one stream with the same results.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::{process::Runtime, repository, said};

const LANGUAGES: [&str; 3] = ["rust", "javascript", "python"];

/// All results of a plugin.
#[derive(Debug, PartialEq)]
struct Outcome {
    /// Key and value, as the bytes that the plugin wrote.
    state: BTreeMap<String, Vec<u8>>,
    /// Type, subject, and data.
    published: Vec<(Value, Value, Value)>,
    /// Offset and error.
    dead: Vec<(Value, Value)>,
}

/// A folder with the three components, built once for all tests.
fn built() -> &'static Path {
    static BUILT: OnceLock<TempDir> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        let folder = tempdir().unwrap();
        for language in LANGUAGES {
            let project = example().join(language);
            said(folder.path(), &format!("build {} -o .", project.display())).ends_with(0);
        }
        folder
    });
    folder.path()
}

fn example() -> PathBuf {
    repository().join("examples/polyglot")
}

#[test]
fn one_set_of_fixtures_holds_in_rust_javascript_and_python() {
    for language in LANGUAGES {
        let line = format!("test meters-{language}.wasm --fixtures {}", example().join("tests").display());
        said(built(), &line).ends_with(0).prints("7 passed, 0 failed");
    }
}

#[test]
fn one_stream_comes_to_the_same_in_rust_javascript_and_python() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("plugins")).unwrap();
    for language in LANGUAGES {
        let file = format!("meters-{language}.wasm");
        fs::copy(built().join(&file), folder.join("plugins").join(&file)).unwrap();
    }
    let runtime = Runtime::start(folder, &["--plugins", "plugins"]);
    runtime.until(folder, "plugins --json", |plugins| plugins.matches("\"active\"").count() == 3);
    let readings = example().join("readings.ndjson");
    runtime.said(folder, &format!("publish {}", readings.display())).ends_with(0).prints("published 40, ");
    let [rust, javascript, python] = LANGUAGES.map(|language| outcome(&runtime, folder, language));

    assert_eq!(rust.published.last().unwrap().2, json!({ "meters": 3, "watt_hours": 84_188 }));
    assert_eq!(rust.dead.len(), 2);
    assert_eq!(rust.state.keys().collect::<Vec<_>>(), ["Zähler 3", "attic", "bakery"]);
    assert_eq!(javascript, rust);
    assert_eq!(python, rust);
}

fn outcome(runtime: &Runtime, folder: &Path, language: &str) -> Outcome {
    let name = format!("meters-{language}");
    let ask = |line: &str| runtime.said(folder, line).ends_with(0).stdout;
    // All events have one key, so the effect of the last event implies all earlier effects.
    let source = format!("/plugins/{name}");
    let own = |text: &str| -> Vec<Value> {
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.filter(|event| event["source"] == source.as_str()).collect()
    };
    let log = runtime
        .until(folder, "read --json", |log| own(log).iter().any(|event| event["type"] == "day.summed"));
    let part = |event: &Value| (event["type"].clone(), event["subject"].clone(), event["data"].clone());
    let keys: Value = serde_json::from_str(&ask(&format!("state list {name} --json"))).unwrap();
    let keys = keys["items"].as_array().unwrap().iter().map(|item| item["key"].as_str().unwrap().to_owned());
    let raw = |key: &str| {
        let mut command = runtime.camshaft(folder, &format!("state get {name}"));
        command.args([key, "--raw"]).output().unwrap().stdout
    };
    let state = keys.map(|key| (key.clone(), raw(&key))).collect();
    let dead: Value =
        serde_json::from_str(&ask(&format!("dead-letters list --consumer {name} --json"))).unwrap();
    let dead = dead["items"].as_array().unwrap();
    Outcome {
        state,
        published: own(&log.stdout).iter().map(part).collect(),
        dead: dead.iter().map(|letter| (letter["offset"].clone(), letter["error"].clone())).collect(),
    }
}
