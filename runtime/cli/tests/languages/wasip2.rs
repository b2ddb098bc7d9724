//! A component compiled for `wasm32-wasip2` is a valid plugin; its standard library sees an empty system.

use std::fs;
use std::process::Command;

use tempfile::tempdir;

use crate::{does, process::write, repository, said, target};

const TARGET: &str = "wasm32-wasip2";

const SOURCE: &str = r#"
use std::{collections::HashMap, env, fs, net::TcpStream, thread, time::{Duration, SystemTime}};

use camshaft_sdk::prelude::*;

#[handler("world.asked", publishes("world.told"))]
fn tell(_: Event<Bytes>, ctx: &mut Context) -> Result {
    println!("printed");
    eprintln!("complained");
    thread::sleep(Duration::from_secs(3600));
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let arguments = env::args().count() + env::vars().count();
    let file = fs::read("/etc/passwd").is_err() && fs::write("x", "y").is_err();
    let socket = TcpStream::connect("127.0.0.1:80").is_err();
    let hashed = HashMap::from([("a", 1)]).len();
    ctx.publish("world.told", &(seconds, arguments, file, socket, hashed))
}
"#;

const FIXTURE: &str = r#"
[[case]]
name = "the standard library finds the attempt's clock and nothing else"
given.now = 2026-01-31T12:00:00Z
when = { type = "world.asked" }
then.published = [{ type = "world.told", data = [1769860800, 0, true, true, 1] }]
then.log = ["printed", "complained"]
"#;

#[test]
fn a_plugin_compiled_for_wasip2_runs_with_nothing_around_it() {
    if !is_installed() {
        eprintln!("not run: {TARGET} is not installed here; `rustup target add {TARGET}` installs it");
        return;
    }
    let folder = tempdir().unwrap();
    said(folder.path(), "new asker").ends_with(0);
    let folder = folder.path().join("asker");
    fs::copy(repository().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    write(&folder, "src/lib.rs", SOURCE);
    write(&folder, "tests/totals.toml", FIXTURE);
    does(&folder, "cargo", &["build", "--release", "--target", TARGET]);
    let built = target().join("tmp/native").join(TARGET).join("release/asker.wasm");
    fs::copy(built, folder.join("asker.wasm")).unwrap();
    said(&folder, "check asker.wasm").ends_with(0).prints("asker 0.1.0\n").prints("world.asked with tell");
    said(&folder, "test asker.wasm").ends_with(0).prints("1 passed, 0 failed");
}

fn is_installed() -> bool {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
    output.is_ok_and(|output| fs::exists(String::from_utf8_lossy(&output.stdout).trim()).unwrap())
}
