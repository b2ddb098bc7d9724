//! Messages and exit codes of the command line for errors, and for commands that need no runtime.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "cli/process.rs"]
#[expect(dead_code, reason = "shared with the other tests of the command line")]
mod process;

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use tempfile::tempdir;

use process::{Said, camshaft, closed_port, write};

#[track_caller]
fn said(folder: &Path, line: &str) -> Said {
    Said::of(camshaft(folder).args(line.split_whitespace()))
}

#[test]
fn an_unknown_setting_is_refused_with_its_line_and_the_nearest_one() {
    let folder = tempdir().unwrap();
    write(folder.path(), "camshaft.toml", "# mine\n[retention]\nages = \"7d\"\n");
    said(folder.path(), "run")
        .ends_with(2)
        .says("error: setting \"retention.ages\" does not exist (\"camshaft.toml\", line 3) [unknown-setting]\n")
        .says("hint: Did you mean \"retention.age\"?\n");
    assert!(!folder.path().join("camshaft-data").exists());
}

#[test]
fn a_wrong_setting_names_its_place_whichever_it_is() {
    let folder = tempdir().unwrap();
    said(folder.path(), "run --listen nowhere").ends_with(2).says("--listen").says("127.0.0.1:4077");
    said(folder.path(), "run --config none.toml").ends_with(2).says("\"none.toml\" could not be read");
    let mut command = camshaft(folder.path());
    Said::of(command.arg("run").env("CAMSHAFT_MEMORY", "much")).ends_with(2).says("CAMSHAFT_MEMORY");
    said(folder.path(), "run --listen 0.0.0.0:0").ends_with(2).says("[token-required]").says("--token-file");
    said(folder.path(), "run --listen 127.0.0.1:0 --log camshaft=loud")
        .ends_with(2)
        .says("is not a log filter");
}

#[test]
fn a_port_in_use_is_noticed_before_anything_is_made() {
    let folder = tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    said(folder.path(), &format!("run --listen {address}"))
        .ends_with(2)
        .says(&format!("error: cannot listen on {address}: address already in use [address-unavailable]\n"))
        .says("choose another address with --listen");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_mistake_on_the_command_line_is_json_if_that_is_asked_for() {
    let folder = tempdir().unwrap();
    for line in ["publish --jsn --json", "read --json --from x", "nonsense --json"] {
        let said = said(folder.path(), line).ends_with(2);
        let error: serde_json::Value = serde_json::from_str(&said.stderr).unwrap();
        assert_eq!(error["code"], "wrong-usage", "{said:?}");
        assert!(!error["message"].as_str().unwrap().starts_with("error"), "{error}");
    }
}

#[test]
fn an_unusable_data_directory_ends_with_5() {
    let folder = tempdir().unwrap();
    write(folder.path(), "file", "");
    said(folder.path(), "run --listen 127.0.0.1:0 --data file/data").ends_with(5).says("[data-unusable]");
}

#[test]
fn an_absent_runtime_ends_with_4_and_what_to_do() {
    let folder = tempdir().unwrap();
    let port = closed_port();
    for command in
        ["plugins", "consumers", "read", "tail", "dead-letters list", "state get tally order.placed"]
    {
        said(folder.path(), &format!("{command} --url http://127.0.0.1:{port}"))
            .ends_with(4)
            .says(&format!("no runtime answers at http://127.0.0.1:{port}: connection refused [unreachable]"))
            .says("hint: Start it with `camshaft run`, or name another with --url.");
    }
}

#[test]
fn an_address_that_is_none_and_a_server_that_is_no_runtime_are_told_apart() {
    let folder = tempdir().unwrap();
    said(folder.path(), "plugins --url localhost:4077")
        .ends_with(2)
        .says("Use an address such as http://127.0.0.1:4077.");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let other = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello").unwrap();
    });
    said(folder.path(), &format!("plugins --url {url}")).ends_with(1).says("[unexpected-answer]");
    other.join().unwrap();
}

#[test]
fn a_file_that_is_no_plugin_is_refused_by_check() {
    let folder = tempdir().unwrap();
    write(folder.path(), "notes.wasm", "not a plugin");
    said(folder.path(), "check notes.wasm")
        .ends_with(3)
        .says("\"notes.wasm\"")
        .says("[not-wasm]")
        .says("hint: ");
    said(folder.path(), "check none.wasm").ends_with(3).says("[io]");
    let refused = said(folder.path(), "check notes.wasm --json").ends_with(3);
    let refused: serde_json::Value = serde_json::from_str(&refused.stderr).unwrap();
    assert_eq!(refused["code"], "not-wasm");
}

#[test]
fn a_folder_without_a_package_is_not_built() {
    let folder = tempdir().unwrap();
    said(folder.path(), "build")
        .ends_with(3)
        .says("there is no plugin in \".\" [build-failed]")
        .says("looked for Cargo.toml (Rust), package.json (JavaScript), pyproject.toml (Python)")
        .says("DIR");
}

#[test]
fn the_contract_is_written_file_by_file() {
    let folder = tempdir().unwrap();
    said(folder.path(), "wit contract").ends_with(0).prints("contract/world.wit\n");
    let world = fs::read_to_string(folder.path().join("contract/world.wit")).unwrap();
    assert!(world.contains("package camshaft:plugin@0.1.0;"), "{world}");
    write(&folder.path().join("contract"), "world.wit", "mine");
    said(folder.path(), "wit contract").ends_with(2).says("[output-unwritable]").says("--force");
    let files = said(folder.path(), "wit contract --force --json").ends_with(0).stdout;
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&files).unwrap()["files"].as_array().unwrap().len(),
        17
    );
}

#[test]
fn in_ci_nothing_is_coloured_even_if_the_environment_asks_for_it() {
    let folder = tempdir().unwrap();
    let colored = |ci: &str| {
        let mut command = camshaft(folder.path());
        let command = command.args(["check", "none.wasm"]).env("CI", ci).env("CLICOLOR_FORCE", "1");
        Said::of(command.env_remove("NO_COLOR")).ends_with(3).stderr.contains('\u{1b}')
    };
    assert!(!colored("true"));
    assert!(colored(""));
}

#[test]
fn wrong_usage_ends_with_2_and_help_with_0() {
    let folder = tempdir().unwrap();
    said(folder.path(), "publish --source /shop").ends_with(2).says("--type");
    said(folder.path(), "frobnicate").ends_with(2).says("frobnicate");
    said(folder.path(), "help dead-letters").ends_with(0).prints("redrive");
    said(folder.path(), "--version").ends_with(0).prints("camshaft 0.1.0");
    said(folder.path(), "publish none.ndjson").ends_with(3).says("\"none.ndjson\" could not be read");
}
