//! `camshaft check`: shows what a file is and asks for, warnings, and why it would be refused.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::tempdir;

use crate::{
    guest,
    process::{Runtime, Said, write},
    said,
};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[track_caller]
fn check(folder: &Path, guest_name: &str) -> Said {
    said(folder, &format!("check {guest_name}.wasm"))
}

#[test]
fn names_that_sound_like_commands_are_warned_of() {
    let folder = tempdir().unwrap();
    guest(folder.path(), "without-manifest");
    let manifest = "manifest = 1\nname = \"mailer\"\nversion = \"1.0.0\"\npublishes = [\"order.place\"]\n\
                    [[subscriptions]]\nhandler = \"send\"\ntypes = [\"send.email\", \"order.paid\"]\n";
    write(folder.path(), "without-manifest.toml", manifest);
    check(folder.path(), "without-manifest")
        .ends_with(0)
        .prints("mailer 1.0.0\n")
        .prints("warning       \"order.place\" sounds like a command")
        .prints("warning       \"send.email\" sounds like a command");
    let report = json(&said(folder.path(), "check without-manifest.wasm --json").ends_with(0).stdout);
    assert_eq!(report["warnings"].as_array().unwrap().len(), 2, "{report:#}");
    assert_eq!(report["refusal"], Value::Null);
}

#[test]
fn what_there_is_to_say_is_said_of_refused_files_too() {
    let folder = tempdir().unwrap();
    guest(folder.path(), "other-world");
    check(folder.path(), "other-world").ends_with(3).says("[unsupported-world]");
    guest(folder.path(), "asks-for-sockets");
    check(folder.path(), "asks-for-sockets")
        .ends_with(3)
        .prints("asks-for-sockets 0.1.0\n")
        .prints("contract      camshaft:plugin@0.1.0 (component, ")
        .prints("capabilities  sockets (not granted)\n")
        .says("[unknown-capability]");
}

#[test]
fn what_was_not_granted_is_named_and_the_file_refused() {
    let folder = tempdir().unwrap();
    guest(folder.path(), "fetches");
    check(folder.path(), "fetches")
        .ends_with(3)
        .prints("capabilities  http (not granted)\n")
        .says("[capability-not-granted]")
        .says("write `grants = [\"http\"]` into \"fetches.toml\"");
    write(
        folder.path(),
        "fetches.toml",
        "grants = [\"http\"]\n[[http]]\nhost = \"localhost\"\nmethods = [\"GET\"]\n",
    );
    check(folder.path(), "fetches").ends_with(0).prints("capabilities  http\n");
}

#[test]
fn a_dropped_file_is_refused_in_the_same_words() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let plugins = folder.join("plugins");
    fs::create_dir(&plugins).unwrap();
    for name in ["asks-for-sockets", "fetches", "overlaps", "later-version"] {
        guest(&plugins, name);
    }
    let runtime = Runtime::start(folder, &["--plugins", plugins.to_str().unwrap()]);
    for name in ["asks-for-sockets", "fetches", "overlaps", "later-version"] {
        let shown =
            |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default()["last_refusal"].clone();
        let dropped =
            runtime.until(folder, &format!("plugins {name} --json"), |text| shown(text).is_object());
        let dropped = shown(&dropped.stdout);
        let file = plugins.join(format!("{name}.wasm"));
        let checked = said(folder, &format!("check {} --json", file.display())).ends_with(3);
        let checked = json(&checked.stderr);
        for part in ["code", "message", "hint"] {
            assert_eq!(dropped[part], checked[part], "{name}");
        }
    }
}
