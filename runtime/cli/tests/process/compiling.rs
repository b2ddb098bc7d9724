//! Plugins are compiled in a separate process: a plugin that is too large or too slow is refused, without
//! other effects.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use camshaft_test_guests::{bombs, component};
use serde_json::Value;
use tempfile::tempdir;

use super::http::{Http, event};
use super::process::{Runtime, Said, camshaft, write};

/// Number of functions that take more than a second to compile on any machine.
const SLOW: usize = 5_000;
/// Number of functions that take longer to compile than the test runs.
const ENDLESS: usize = 60_000;

/// Puts a complete file into the plugins directory.
fn drop_in(folder: &Path, stem: &str, bytes: &[u8]) {
    fs::create_dir_all(folder.join("plugins")).unwrap();
    fs::write(folder.join(".partial"), bytes).unwrap();
    fs::rename(folder.join(".partial"), folder.join(format!("plugins/{stem}.wasm"))).unwrap();
}

/// The bytes of a guest under test.
fn guest(name: &str) -> Vec<u8> {
    fs::read(component(name)).unwrap()
}

/// Waits for the refusal of a file.
fn refusal(runtime: &Runtime, folder: &Path, name: &str) -> Value {
    let is_refused = |stdout: &str| {
        serde_json::from_str::<Value>(stdout).is_ok_and(|plugin| plugin["status"] == "refused")
    };
    let said = runtime.until(folder, &format!("plugins {name} --json"), is_refused);
    serde_json::from_str::<Value>(&said.stdout).unwrap()["last_refusal"].clone()
}

#[test]
fn a_plugin_that_needs_more_memory_or_time_to_compile_is_refused_by_the_settings_name() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    write(folder, "camshaft.toml", "[limits]\nmax_compile_memory = \"16MiB\"\nmax_compile_time = \"1s\"\n");
    drop_in(folder, "counter", &guest("counter"));
    let runtime = Runtime::start(folder, &[]);
    let refused = refusal(&runtime, folder, "counter");
    assert_eq!(refused["code"], "compile-failed");
    let message = refused["message"].as_str().unwrap();
    assert!(
        message.ends_with("could not be compiled within 16.0 MiB (setting `limits.max_compile_memory`)"),
        "{message}"
    );
    drop(runtime);

    write(folder, "camshaft.toml", "");
    let runtime = Runtime::start(folder, &[]);
    runtime.until(folder, "plugins counter", |stdout| stdout.contains("active"));
    drop(runtime);

    // A plugin that is already compiled needs no compiler.
    write(folder, "camshaft.toml", "[limits]\nmax_compile_time = \"1s\"\n");
    drop_in(folder, "slow", &bombs::many_functions(SLOW));
    let runtime = Runtime::start(folder, &[]);
    runtime.until(folder, "plugins counter", |stdout| stdout.contains("active"));
    let refused = refusal(&runtime, folder, "slow");
    let message = refused["message"].as_str().unwrap();
    // On a busy machine the limit of elapsed time may apply first.
    let limits = ["within 1 s of processor time", "within 10 s, 10 times the limit"];
    assert!(limits.iter().any(|limit| message.contains(limit)), "{message}");
    assert!(message.contains("(setting `limits.max_compile_time`)"), "{message}");
    assert!(refused["hint"].as_str().unwrap().contains("limits.max_compile_time"), "{refused}");
    let http = Http::new(runtime.url());
    assert_eq!(http.publish(&[event(1, 1)]).status, 200);
    runtime.until(folder, "state get counter total", |stdout| stdout == "1\n");
    let names = fs::read_dir(folder.join("data/code")).unwrap();
    let names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|name| name.ends_with(".cwasm")), "nothing half written is left: {names:?}");
}

#[test]
fn files_that_take_minutes_to_compile_do_not_keep_a_fix_from_being_loaded() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    write(
        folder,
        "camshaft.toml",
        "[limits]\nmax_compile_time = \"1 hour\"\nmax_compile_memory = \"8GiB\"\n",
    );
    for stem in ["slow-1", "slow-2"] {
        drop_in(folder, stem, &bombs::many_functions(ENDLESS));
    }
    let runtime = Runtime::start(folder, &[]);
    let http = Http::new(runtime.url());
    let status = |name: &str| http.get(&format!("/plugins/{name}")).json()["status"].clone();
    runtime.until(folder, "plugins slow-1", |stdout| stdout.contains("loading"));
    for (guest_name, offset) in [("counter", 1), ("echo", 2)] {
        drop_in(folder, guest_name, &guest(guest_name));
        runtime.until(folder, &format!("plugins {guest_name}"), |stdout| stdout.contains("active"));
        for slow in ["slow-1", "slow-2"] {
            assert_eq!(status(slow), "loading", "{slow} goes on when fix {offset} is loaded");
        }
    }
    // They do not prevent the runtime from stopping either.
    let (ended, said) = runtime.stop();
    assert!(ended.success(), "{said}");
    assert!(!said.contains("was not closed in time"), "{said}");
}

#[test]
fn the_compiler_is_no_command_for_people() {
    let folder = tempdir().unwrap();
    let said = Said::of(camshaft(folder.path()).arg("help")).ends_with(0);
    assert!(!said.stdout.contains("compile"), "{}", said.stdout);
    // It compiles only for its own engine, and reads no settings.
    write(folder.path(), "camshaft.toml", "nonsense");
    let said = Said::of(camshaft(folder.path()).args(["compile", "1000000000", "10", "false", "another"]));
    said.ends_with(1).says("the compiler and the runtime are of different releases");
}

/// Whether a child process of `parent` is compiling.
fn compiles(parent: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{parent}/task")) else { return false };
    let children =
        threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let children: Vec<String> =
        children.flat_map(|ids| ids.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect();
    children.iter().any(|id| {
        let arguments = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        arguments.split(|byte| *byte == 0).nth(1) == Some(b"compile")
    })
}

#[test]
fn commands_that_load_a_plugin_compile_it_in_a_process_of_its_own_too() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    drop_in(folder, "slow", &bombs::many_functions(SLOW));
    fs::create_dir(folder.join("fixtures")).unwrap();
    write(
        folder,
        "fixtures/one.toml",
        "[[case]]\nname = \"one\"\nwhen = { type = \"test.event\" }\nthen.outcome = \"ok\"\n",
    );
    for line in ["check plugins/slow.wasm", "test plugins/slow.wasm --fixtures fixtures"] {
        let mut command = camshaft(folder);
        command.args(line.split(' ')).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        while !compiles(process.id()) {
            assert!(
                process.try_wait().unwrap().is_none(),
                "`camshaft {line}` compiled nothing, or did it itself"
            );
            thread::sleep(Duration::from_millis(1));
        }
        process.kill().unwrap();
        process.wait().unwrap();
    }
}
