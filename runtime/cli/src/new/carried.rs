//! The SDKs and the contract that this program embeds, for the `vendor/` folder of a new plugin.
//!
//! The folder layout is that of this repository, so relative paths between files stay valid.

use std::collections::BTreeSet;

use camshaft_guest_build::{CONTRACT, CONTRACT_0_2, Language};
use toml::{Table, Value};

macro_rules! carry {
    ($($path:literal,)+) => {
        [$(($path, include_str!(concat!("../../../../", $path))),)+]
    };
}

/// Paths relative to the plugin's folder, with contents.
pub fn files(language: Language) -> Vec<(String, String)> {
    let vendored = |path: &str, content: &str| (format!("vendor/{path}"), content.to_owned());
    let first = CONTRACT.iter().map(|(name, content)| vendored(&format!("wit/v0.1/{name}"), content));
    let second = CONTRACT_0_2.iter().map(|(name, content)| vendored(&format!("wit/v0.2/{name}"), content));
    let sdk: Vec<_> = match language {
        Language::Rust => {
            let workspace = vendored("Cargo.toml", &workspace());
            let aggregate =
                CONTRACT_0_2.iter().map(|(name, content)| vendored(&format!("wit/v0.2/{name}"), content));
            let sdk = RUST.iter().map(|(path, content)| vendored(path, content));
            aggregate.chain(sdk).chain([workspace]).collect()
        }
        Language::JavaScript => below("sdk/javascript/", "javascript/", &JAVASCRIPT),
        Language::Python => below("sdk/python/", "python/", &PYTHON),
    };
    first.chain(second).chain(sdk).collect()
}

fn below(from: &str, to: &str, files: &[(&str, &str)]) -> Vec<(String, String)> {
    let place = |path: &str| format!("vendor/{to}{}", path.strip_prefix(from).unwrap_or(path));
    files.iter().map(|(path, content)| (place(path), (*content).to_owned())).collect()
}

/// The workspace manifest for the Rust SDK: the parts of this repository's manifest that the SDK inherits.
fn workspace() -> String {
    let parse = |text: &str| -> Table { text.parse().expect("the manifests of this repository are TOML") };
    let mut workspace = parse(include_str!("../../../../Cargo.toml"));
    let used: BTreeSet<String> = RUST
        .iter()
        .filter(|(path, _)| path.ends_with("Cargo.toml"))
        .flat_map(|(_, text)| inherited(&Value::Table(parse(text))))
        .collect();
    workspace.retain(|key, _| key == "workspace");
    let table = workspace.get_mut("workspace").and_then(Value::as_table_mut).expect("it is a workspace");
    table.retain(|key, _| {
        matches!(AsRef::<str>::as_ref(key), "resolver" | "package" | "dependencies" | "lints")
    });
    table.insert("members".into(), vec!["sdk", "sdk/macros"].into());
    let dependencies =
        table.get_mut("dependencies").and_then(Value::as_table_mut).expect("it has dependencies");
    dependencies.retain(|name, _| used.contains(name));
    format!("# The parts of the SDK's original workspace that the SDK needs.\n\n{workspace}")
}

/// Names of the dependencies that a package inherits from its workspace.
fn inherited(value: &Value) -> Vec<String> {
    let Some(table) = value.as_table() else { return Vec::new() };
    let is_inherited = |entry: &Value| entry.get("workspace").and_then(Value::as_bool) == Some(true);
    let here = table.iter().filter(|(_, entry)| is_inherited(entry)).map(|(name, _)| name.clone());
    here.chain(table.values().flat_map(inherited)).collect()
}

const RUST: [(&str, &str); 41] = carry![
    "sdk/Cargo.toml",
    "sdk/macros/Cargo.toml",
    "sdk/macros/src/arguments.rs",
    "sdk/macros/src/arguments/command.rs",
    "sdk/macros/src/arguments/scope.rs",
    "sdk/macros/src/expand.rs",
    "sdk/macros/src/exports.rs",
    "sdk/macros/src/lib.rs",
    "sdk/macros/src/manifest.rs",
    "sdk/macros/src/manifest/keys.rs",
    "sdk/macros/src/manifest/tests.rs",
    "sdk/macros/src/pattern.rs",
    "sdk/macros/src/signature.rs",
    "sdk/macros/src/unique.rs",
    "sdk/src/aggregate.rs",
    "sdk/src/attempt.rs",
    "sdk/src/codec.rs",
    "sdk/src/context.rs",
    "sdk/src/decide.rs",
    "sdk/src/error.rs",
    "sdk/src/event.rs",
    "sdk/src/evolve.rs",
    "sdk/src/fold.rs",
    "sdk/src/guest.rs",
    "sdk/src/guest/aggregate.rs",
    "sdk/src/guest/handler.rs",
    "sdk/src/guest/http.rs",
    "sdk/src/handler.rs",
    "sdk/src/host.rs",
    "sdk/src/http.rs",
    "sdk/src/lib.rs",
    "sdk/src/output.rs",
    "sdk/src/publish.rs",
    "sdk/src/record.rs",
    "sdk/src/refusal.rs",
    "sdk/src/scope.rs",
    "sdk/src/state.rs",
    "sdk/src/testing.rs",
    "sdk/src/testing/aggregate.rs",
    "sdk/src/testing/memory.rs",
    "sdk/src/testing/time.rs",
];

const JAVASCRIPT: [(&str, &str); 21] = carry![
    "sdk/javascript/README.md",
    "sdk/javascript/camshaft.d.ts",
    "sdk/javascript/camshaft.js",
    "sdk/javascript/context.js",
    "sdk/javascript/event.js",
    "sdk/javascript/host.js",
    "sdk/javascript/http.js",
    "sdk/javascript/json.js",
    "sdk/javascript/messagepack.js",
    "sdk/javascript/no-host.js",
    "sdk/javascript/outcome.js",
    "sdk/javascript/package.json",
    "sdk/javascript/pattern.js",
    "sdk/javascript/places.js",
    "sdk/javascript/state.js",
    "sdk/javascript/testing.d.ts",
    "sdk/javascript/testing.js",
    "sdk/javascript/text.js",
    "sdk/javascript/time.js",
    "sdk/javascript/work.js",
    "sdk/javascript/xxh3.js",
];

const PYTHON: [(&str, &str); 17] = carry![
    "sdk/python/README.md",
    "sdk/python/camshaft/__init__.py",
    "sdk/python/camshaft/component.py",
    "sdk/python/camshaft/context.py",
    "sdk/python/camshaft/delay.py",
    "sdk/python/camshaft/event.py",
    "sdk/python/camshaft/handlers.py",
    "sdk/python/camshaft/http.py",
    "sdk/python/camshaft/messagepack.py",
    "sdk/python/camshaft/outcome.py",
    "sdk/python/camshaft/outgoing.py",
    "sdk/python/camshaft/running.py",
    "sdk/python/camshaft/state.py",
    "sdk/python/camshaft/testing.py",
    "sdk/python/camshaft/text.py",
    "sdk/python/camshaft/xxh3.py",
    "sdk/python/pyproject.toml",
];

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    use super::*;

    /// All files below `folder` of the repository that belong to an SDK, without its tests.
    fn files_in(folder: &str, kinds: &[&str]) -> BTreeSet<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut folders: Vec<PathBuf> = vec![root.join(folder)];
        let mut found = BTreeSet::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
                if path.is_dir() && !["tests", "javascript", "python"].contains(&name.as_str()) {
                    folders.push(path);
                } else if path.is_file() && kinds.contains(&extension) {
                    found.insert(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        found
    }

    #[track_caller]
    fn check_carried(carried: &[(&str, &str)], expected: &BTreeSet<String>) {
        let carried: BTreeSet<String> = carried.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(&carried, expected);
    }

    #[test]
    fn every_file_of_the_sdks_is_carried() {
        check_carried(&RUST, &files_in("sdk", &["rs", "toml"]));
        check_carried(&JAVASCRIPT, &files_in("sdk/javascript", &["js", "json", "md", "ts"]));
        check_carried(&PYTHON, &files_in("sdk/python", &["py", "toml", "md"]));
    }

    #[test]
    fn the_rust_sdk_finds_all_that_it_inherits() {
        let workspace: Table = workspace().parse().unwrap();
        let workspace = &workspace["workspace"];
        assert_eq!(workspace["members"], vec!["sdk", "sdk/macros"].into());
        let dependencies = workspace["dependencies"].as_table().unwrap();
        assert!(dependencies.contains_key("serde") && dependencies.contains_key("wit-bindgen"));
        assert!(!dependencies.contains_key("wasmtime"), "dependencies of the runtime alone are left out");
        assert_eq!(dependencies["camshaft-sdk-macros"]["path"].as_str(), Some("sdk/macros"));
        assert!(workspace["lints"].get("rust").is_some() && workspace["package"].get("version").is_some());
    }
}
