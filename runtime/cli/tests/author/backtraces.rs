//! A plugin built with debug information shows panics with source lines.

use std::{fs, path::Path};

use tempfile::tempdir;

use crate::process::{Said, camshaft, write};

const SOURCE: &str = "\
use camshaft_sdk::prelude::*;

#[handler(\"thing.seen\")]
fn look(thing: Event<Bytes>) -> Result {
    first_byte(&thing.data.0);
    Ok(())
}

#[inline(never)]
fn first_byte(bytes: &[u8]) -> u8 {
    assert!(!bytes.is_empty(), \"there is no byte\");
    bytes[0]
}
";

const CASE: &str =
    "[[case]]\nname = 'empty'\nwhen = { type = 'thing.seen', subject = 'k' }\nthen.outcome = 'ok'\n";

#[test]
fn debug_information_names_the_lines_of_the_source() {
    let folder = tempdir().unwrap();
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk");
    let package = format!(
        "[package]\nname = 'looks'\nversion = '1.0.0'\nedition = '2024'\n[lib]\ncrate-type = ['cdylib']\n\
         [dependencies]\ncamshaft-sdk = {{ path = '{}' }}\n[workspace]\n",
        sdk.display()
    );
    for below in ["src", "tests"] {
        fs::create_dir(folder.path().join(below)).unwrap();
    }
    write(folder.path(), "Cargo.toml", &package);
    write(folder.path(), "src/lib.rs", SOURCE);
    write(folder.path(), "tests/cases.toml", CASE);
    let test = |arguments: &[&str]| {
        let mut command = camshaft(folder.path());
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        Said::of(command.arg("test").args(arguments).env("CARGO_TARGET_DIR", target))
    };
    let said = test(&["--debug-info"]).ends_with(3);
    assert!(said.stdout.contains("there is no byte"), "{said:#?}");
    assert!(said.stdout.contains("looks::first_byte\n"), "{said:#?}");
    assert!(said.stdout.contains("src/lib.rs:11\n"), "{said:#?}");
    assert!(said.stdout.contains("src/lib.rs:5\n"), "the call is shown, too: {said:#?}");
    let said = test(&[]).ends_with(3);
    assert!(
        said.stdout.contains("looks::first_byte") && !said.stdout.contains("src/lib.rs:5\n"),
        "{said:#?}"
    );
}
