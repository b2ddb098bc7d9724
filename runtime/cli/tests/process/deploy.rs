//! `camshaft deploy` and `plugins --wait-for`: on the same machine, and from another one.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::tempdir;

use super::process::{Runtime, write};

const TOKEN: &str = "0123456789abcdef";

/// Starts a runtime with an empty plugins directory.
fn start(folder: &Path, arguments: &[&str]) -> Runtime {
    fs::create_dir(folder.join("plugins")).unwrap();
    Runtime::start(folder, arguments)
}

fn plugin(runtime: &Runtime, folder: &Path, name: &str) -> Value {
    serde_json::from_str(&runtime.said(folder, &format!("plugins {name} --json")).ends_with(0).stdout)
        .unwrap()
}

#[test]
fn deploy_ends_when_the_plugin_runs_or_with_why_it_does_not() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let runtime = start(folder, &[]);
    fs::copy(camshaft_test_guests::component("counter"), folder.join("tally.wasm")).unwrap();
    runtime.said(folder, "deploy tally.wasm").ends_with(0).prints("counter ").prints(" is active, digest ");
    let first = plugin(&runtime, folder, "counter");
    let version = first["version"].as_str().unwrap();
    runtime.said(folder, &format!("plugins counter --wait-for {version}")).ends_with(0).prints(version);

    // Deployed under another name, it replaces the file that it runs from.
    write(folder, "slower.toml", "[limits]\ndeadline = \"300ms\"\n");
    fs::copy(folder.join("tally.wasm"), folder.join("tally-2.wasm")).unwrap();
    runtime
        .said(folder, "deploy tally-2.wasm --toml slower.toml --json")
        .ends_with(0)
        .prints("\"deadline_ms\":300");
    let mut names: Vec<_> =
        fs::read_dir(folder.join("plugins")).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["tally.toml", "tally.wasm"]);

    write(folder, "greedy.toml", "[limits]\ndeadline = \"1h\"\n");
    let refused = runtime.said(folder, "deploy tally.wasm --toml greedy.toml").ends_with(3);
    refused.says("[invalid-manifest]").says("sets `limits.deadline` to 3600000 ms").says("keeps running");
    // The existing refusal is not taken as the answer to the next deployment.
    runtime.said(folder, "deploy tally.wasm --toml slower.toml").ends_with(0).prints("is active");
    runtime.said(folder, "plugins counter --json").prints("\"deadline_ms\":300");

    write(folder, "text.wasm", "not a plugin");
    runtime.said(folder, "deploy text.wasm").ends_with(3).says("[not-wasm]");
    assert!(!folder.join("plugins/text.wasm").exists(), "it was checked before");
    runtime.said(folder, "deploy tally.wasm --no-wait").ends_with(0).says("will be loaded");
}

#[test]
fn a_file_from_elsewhere_needs_the_token_and_the_setting_and_grants_nothing() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    write(folder, "token", TOKEN);
    fs::copy(camshaft_test_guests::component("counter"), folder.join("counter.wasm")).unwrap();
    let off = start(folder, &["--token-file", "token"]);
    let send = format!("deploy counter.wasm --send --token {TOKEN}");
    off.said(folder, &send).ends_with(3).says("`allow_deploy` is not set [deploy-not-allowed]");
    off.stop();

    write(folder, "camshaft.toml", "allow_deploy = true\n");
    let open = Runtime::start(folder, &[]);
    open.said(folder, "deploy counter.wasm --send").ends_with(3).says("has no token");
    open.stop();

    write(folder, "camshaft.toml", "allow_deploy = true\n[limits]\nmax_plugin_bytes = \"4MiB\"\n");
    let runtime = Runtime::start(folder, &["--token-file", "token"]);
    runtime.said(folder, &send).ends_with(0).prints("is active");
    runtime.said(folder, "deploy counter.wasm --send").ends_with(2).says("[unauthorized]");

    write(folder, "config.toml", "[config]\na = \"b\"\n[limits]\ndeadline = \"300ms\"\n");
    runtime
        .said(folder, &format!("{send} --toml config.toml --json"))
        .ends_with(0)
        .prints("\"deadline_ms\":300");
    for gift in [
        "grants = [\"http\"]",
        "[[http]]\nhost = \"h\"\nmethods = [\"GET\"]",
        "[secrets]\nt = { env = \"T\" }",
    ] {
        write(folder, "gift.toml", gift);
        let refused = runtime.said(folder, &format!("{send} --toml gift.toml")).ends_with(3);
        refused.says("[deploy-not-allowed]").says("are not accepted from other machines");
    }
    assert_eq!(fs::read_to_string(folder.join("plugins/counter.toml")).unwrap().matches("300ms").count(), 1);

    // Grants of the machine's operator cannot be replaced remotely.
    write(&folder.join("plugins"), "counter.toml", "grants = [\"http\"]\n");
    let refused = runtime.said(folder, &format!("{send} --toml config.toml")).ends_with(3);
    refused.says("cannot be replaced from other machines");
    let there = || fs::read_to_string(folder.join("plugins/counter.toml")).unwrap();
    assert_eq!(there(), "grants = [\"http\"]\n");
    let mistaken = "grants = [\"http\"]\ndeadline =\n";
    write(&folder.join("plugins"), "counter.toml", mistaken);
    let refused = runtime.said(folder, &format!("{send} --toml config.toml")).ends_with(3);
    refused.says("is not a readable operator's file");
    assert_eq!(there(), mistaken);
}

#[test]
fn names_that_lead_elsewhere_and_files_that_are_too_large_leave_nothing_behind() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    write(folder, "token", TOKEN);
    write(folder, "camshaft.toml", "allow_deploy = true\n[limits]\nmax_plugin_bytes = \"64KiB\"\n");
    let runtime = start(folder, &["--token-file", "token"]);
    let put_with = |headers: &str, name: &str, bytes: usize| {
        let address = runtime.url().strip_prefix("http://").unwrap().to_owned();
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        let head = format!(
            "PUT /plugin-files/{name} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n\
             {headers}content-length: {bytes}\r\n\r\n"
        );
        std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
        // The runtime may refuse the request before the whole body is sent.
        let _: std::io::Result<()> = std::io::Write::write_all(&mut stream, &vec![0; bytes]);
        let mut answer = Vec::new();
        let _: std::io::Result<usize> = std::io::Read::read_to_end(&mut stream, &mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    let put = |name: &str, bytes: usize| put_with("", name, bytes);
    for name in ["..%2Fx.wasm", ".x.wasm", "x.txt", "a%2Fb.wasm", "x%0A.wasm"] {
        assert!(put(name, 1).contains("400 Bad Request"), "{name}");
    }
    let large = put("x.wasm", 65_537);
    assert!(large.contains("413") && large.contains("limits.max_plugin_bytes"), "{large}");
    let coded = put_with("content-encoding: gzip\r\n", "x.wasm", 100);
    assert!(coded.contains("415") && coded.contains("without Content-Encoding"), "{coded}");
    assert_eq!(fs::read_dir(folder.join("plugins")).unwrap().count(), 0);
    assert!(put("x.wasm", 65_536).contains("202 Accepted"));
    assert_eq!(fs::read_dir(folder.join("plugins")).unwrap().count(), 1);
}
