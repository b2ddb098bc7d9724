//! Printed output of a Rust plugin goes to its log, whichever of its crates prints it.

use std::fs;

use tempfile::tempdir;

use crate::{process::write, repository, said};

const SOURCE: &str = r#"
use camshaft_sdk::prelude::*;

#[handler("thing.printed")]
fn print_it(_: Event<Bytes>, ctx: &mut Context) -> Result {
    println!("first {}", 1);
    ctx.info("second");
    helper();
    eprint!("without an end");
    Ok(())
}

fn helper() {
    dbg!(1 + 1);
}
"#;

const FIXTURE: &str = r#"
[[case]]
name = "all that is printed is logged, in order"
when = { type = "thing.printed" }
then.log = ["first 1", "second", "1 + 1 = 2", "without an end"]
"#;

#[test]
fn what_a_rust_plugin_prints_is_in_its_log() {
    let folder = tempdir().unwrap();
    said(folder.path(), "new printer").ends_with(0);
    let folder = folder.path().join("printer");
    fs::copy(repository().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    write(&folder, "src/lib.rs", SOURCE);
    write(&folder, "tests/totals.toml", FIXTURE);
    said(&folder, "test").ends_with(0).prints("1 passed, 0 failed");
}

#[test]
fn a_rust_plugin_without_a_handler_is_told_so() {
    let folder = tempdir().unwrap();
    said(folder.path(), "new idler").ends_with(0);
    let folder = folder.path().join("idler");
    fs::copy(repository().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    write(&folder, "src/lib.rs", "use camshaft_sdk as _;\n");
    said(&folder, "build")
        .ends_with(3)
        .says("the plugin in \".\" handles no events: no function has `#[handler]` [missing-manifest]")
        .says("Write `#[handler(\"order.placed\")]` before a function");
}
