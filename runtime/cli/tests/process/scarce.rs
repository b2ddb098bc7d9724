//! With few file descriptors, little memory and ten thousand held keys, the runtime is slower but loses no
//! event.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::tempdir;

use super::http::Http;
use super::process::{Runtime, run, write};

/// Number of keys. The first event of each cannot be handled, and the second waits behind it.
const KEYS: u64 = 10_000;

/// Maximum number of open files, including sockets and wakeup descriptors of threads.
const DESCRIPTORS: u32 = 64;

/// Number of idle connections: more than there are descriptors.
const IDLE: usize = 100;

#[test]
fn ten_thousand_held_keys_are_kept_with_few_descriptors_and_little_memory() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("plugins")).unwrap();
    fs::copy(camshaft_test_guests::component("rejects"), folder.join("plugins/rejects.wasm")).unwrap();
    write(folder, "camshaft.toml", "memory = \"64MiB\"\n");
    let runtime = Runtime::spawn(&mut with_few_descriptors(&run(folder)));
    let http = Http::new(runtime.url());
    for first in (0..KEYS).step_by(500) {
        let events: Vec<Value> =
            (first..first + 500).flat_map(|key| [order(key, true), order(key, false)]).collect();
        assert_eq!(http.publish(&events).status, 200);
    }
    until_held(&runtime, folder);

    let idle: Vec<TcpStream> = (0..IDLE)
        .map(|_| TcpStream::connect(runtime.url().strip_prefix("http://").unwrap()).unwrap())
        .collect();
    // The existing connection still works, and so does the log.
    assert_eq!(http.publish(&[order(KEYS, false)]).status, 200);
    drop(idle);
    assert_eq!(Http::new(runtime.url()).get("/health").status, 200);

    runtime.signal("KILL");
    runtime.wait();
    let runtime = Runtime::spawn(&mut with_few_descriptors(&run(folder)));
    until_held(&runtime, folder);
    let discarded = format!("discarded {KEYS} dead letters");
    runtime.said(folder, "dead-letters discard --consumer rejects --all --yes").ends_with(0).says(&discarded);
    // The second event of each key, and the one published while no new client could connect.
    let all = format!("{}\n", KEYS + 1);
    runtime.until(folder, "state get rejects accepted", |stdout| stdout == all);
    let (status, said) = runtime.stop();
    assert!(status.success(), "{said}");
    assert!(said.contains("the limit on open files is low"), "{said}");
}

fn with_few_descriptors(run: &Command) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n {DESCRIPTORS}; exec \"$0\" \"$@\"")]);
    command.arg(run.get_program()).args(run.get_args()).current_dir(run.get_current_dir().unwrap());
    command.env("CI", "true");
    command
}

fn until_held(runtime: &Runtime, folder: &Path) {
    let (held, dead) = (format!("\"held\":{KEYS},"), format!("\"dead\":{KEYS},"));
    runtime
        .until(folder, "consumers rejects --json", |stdout| stdout.contains(&held) && stdout.contains(&dead));
}

fn order(key: u64, reject: bool) -> Value {
    json!({
        "specversion": "1.0", "id": format!("{key}-{reject}"), "source": "/test", "type": "test.event",
        "subject": format!("key-{key}"), "data": { "reject": reject },
    })
}
