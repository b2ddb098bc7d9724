//! A real abort in the middle of a call: at least once it is made again under the same key, at most once
//! never.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use camshaft::Outbox;

use super::world::{drop_in, event, open, until_handled};

const FOLDER: &str = "CAMSHAFT_TEST_SINK_FOLDER";
const ABORTS: &str = "CAMSHAFT_TEST_SINK_ABORTS";

/// An outbox that writes each key down, and takes the process down before or after that.
fn outbox(folder: &Path, aborts: &str) -> Outbox {
    let (ledger, aborts) = (folder.join("ledger"), aborts.to_owned());
    Outbox::new(move |sent| {
        if aborts == "before" {
            std::process::abort();
        }
        let mut ledger = OpenOptions::new().create(true).append(true).open(&ledger).unwrap();
        writeln!(ledger, "{}", sent.key).unwrap();
        if aborts == "after" {
            std::process::abort();
        }
        std::future::ready(Ok(Vec::new()))
    })
}

/// The process that is taken down. As a test of its own it has nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let (Some(folder), Ok(aborts)) = (env::var_os(FOLDER), env::var(ABORTS)) else { return };
    let folder = Path::new(&folder);
    let runtime = open(folder, outbox(folder, &aborts)).await;
    runtime.publish(event("1", "k")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    panic!("nothing took the process down");
}

/// The keys that got out, when the process is taken down in the first call and started again.
async fn sent_over_an_abort(delivery: &str, aborts: &str) -> Vec<String> {
    use std::os::unix::process::ExitStatusExt;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    drop_in(folder, "grants = ['test-outbox']", &format!("delivery = '{delivery}'"));
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "killed::child", "--nocapture"]).env(FOLDER, folder).env(ABORTS, aborts);
    assert_eq!(command.status().unwrap().signal(), Some(6), "it aborts");
    let runtime = open(folder, outbox(folder, "never")).await;
    until_handled(&runtime, "sends").await;
    // Whatever came of the first event, the next one of its key is not held up.
    runtime.publish(event("2", "k")).await.unwrap();
    until_handled(&runtime, "sends").await;
    assert_eq!(runtime.consumer("sends").await.unwrap().unwrap().dead, 0);
    runtime.shutdown().await;
    let ledger = fs::read_to_string(folder.join("ledger")).unwrap();
    ledger.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn at_least_once_the_call_is_made_again_under_the_same_key() {
    assert_eq!(sent_over_an_abort("at-least-once", "after").await, ["/test 1", "/test 1", "/test 2"]);
    assert_eq!(sent_over_an_abort("at-least-once", "before").await, ["/test 1", "/test 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_once_it_is_not_made_again_wherever_the_process_went() {
    assert_eq!(sent_over_an_abort("at-most-once", "after").await, ["/test 1", "/test 2"]);
    assert_eq!(sent_over_an_abort("at-most-once", "before").await, ["/test 2"], "the event counts as done");
}
