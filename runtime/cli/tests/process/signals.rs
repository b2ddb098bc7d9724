//! The first signal lets running attempts finish; the second does not wait for them.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::tempdir;

use super::http::{Http, event};
use super::process::{Runtime, write};

/// Time limit for steps whose duration only the runtime determines.
const PATIENCE: Duration = Duration::from_secs(60);

/// A runtime during the first of two events, whose handler runs until `deadline`.
fn amid_a_call(folder: &Path, deadline: &str) -> Runtime {
    let plugins = folder.join("plugins");
    fs::create_dir(&plugins).unwrap();
    let operator = format!("[policy]\nmax_attempts = 1\n[limits]\ndeadline = \"{deadline}\"\n");
    write(&plugins, "loops-forever.toml", &operator);
    fs::copy(camshaft_test_guests::component("loops-forever"), plugins.join("loops-forever.wasm")).unwrap();
    write(folder, "camshaft.toml", "[limits]\nmax_deadline = \"60s\"\n");
    let runtime = Runtime::start(folder, &[]);
    let http = Http::new(runtime.url());
    assert_eq!(http.publish(&[event(1, 1), event(2, 1)]).status, 200);
    runtime.until(folder, "consumers loops-forever --json", |stdout| {
        serde_json::from_str(stdout).is_ok_and(|consumer: Value| consumer["in_flight"] != 0)
    });
    runtime
}

/// The state of the consumer after the previous run, read by a runtime without its plugin.
fn left(folder: &Path) -> Value {
    fs::remove_file(folder.join("plugins/loops-forever.wasm")).unwrap();
    let runtime = Runtime::start(folder, &[]);
    let said = runtime
        .until(folder, "consumers loops-forever --json", |stdout| stdout.contains("\"status\":\"detached\""));
    serde_json::from_str(&said.stdout).unwrap()
}

#[test]
fn the_first_signal_drains_and_what_is_in_hand_counts() {
    for signal in ["TERM", "INT"] {
        let folder = tempdir().unwrap();
        let runtime = amid_a_call(folder.path(), "1s");
        runtime.signal(signal);
        let (status, said) = runtime.wait();
        assert_eq!(status.code(), Some(0), "{said}");
        assert!(
            said.contains("draining; a second signal stops at once") && said.contains("stopped"),
            "{said}"
        );
        let left = left(folder.path());
        assert!(left["dead"].as_u64().unwrap() >= 1, "the attempt was finished: {left}");
    }
}

#[test]
fn the_second_signal_stops_at_once_and_what_was_in_hand_runs_again() {
    let folder = tempdir().unwrap();
    let runtime = amid_a_call(folder.path(), "60s");
    runtime.signal("TERM");
    until_nobody_listens(&runtime);
    runtime.signal("INT");
    let (status, said) = runtime.wait();
    assert_eq!(status.code(), Some(1), "it did not stop cleanly: {said}");
    assert!(said.contains("stopped at once"), "{said}");
    let left = left(folder.path());
    assert!(left["dead"] == 0 && left["lag"].as_u64().unwrap() >= 2, "neither event was handled: {left}");
}

/// Waits until the first signal has arrived: two pending signals of one kind are merged.
fn until_nobody_listens(runtime: &Runtime) {
    let address = runtime.url().trim_start_matches("http://");
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(address).is_ok() {
        assert!(Instant::now() < deadline, "it still listens");
        thread::sleep(Duration::from_millis(5));
    }
}
