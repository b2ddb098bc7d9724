//! A handler that takes the whole process down, alone at last, ends as a dead letter that says so; what was
//! in flight beside it is handled. The processes here really abort.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::env;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use camshaft::{AttemptContext, Config, Event, Failure, Offset, Runtime, Subscription};

/// Says to the child which data folder is its own, and that it is one.
const FOLDER: &str = "CAMSHAFT_POISON_FOLDER";
/// Says to the child that the innocent handler waits for the abort.
const WAITS: &str = "CAMSHAFT_POISON_WAITS";

/// Whether the innocent handler is running.
static IN_FLIGHT: AtomicBool = AtomicBool::new(false);
/// Whether the events are durable; handlers run ahead of that.
static PUBLISHED: AtomicBool = AtomicBool::new(false);

async fn open(folder: &Path) -> Runtime {
    let config = Config {
        data: folder.join("data"),
        plugins: folder.join("plugins"),
        workers: Some(2),
        ..Config::default()
    };
    let runtime = Runtime::open(config).await.unwrap();
    let waits = env::var_os(WAITS).is_some();
    runtime
        .subscribe("guilty", Subscription::types(["test.guilty"]), move |_, _| -> Result<(), Failure> {
            while waits && !(IN_FLIGHT.load(Ordering::Acquire) && PUBLISHED.load(Ordering::Acquire)) {
                std::thread::yield_now();
            }
            std::process::abort();
        })
        .await
        .unwrap();
    runtime
        .subscribe("innocent", Subscription::types(["test.innocent"]), move |_, attempt| {
            IN_FLIGHT.store(true, Ordering::Release);
            if waits {
                // The abort in the other handler ends this wait.
                loop {
                    std::thread::park();
                }
            }
            attempt.set(b"handled", b"1")?;
            Ok(())
        })
        .await
        .unwrap();
    runtime
}

fn event(event_type: &str) -> Event {
    Event { id: event_type.into(), source: "/test".into(), event_type: event_type.into(), ..Event::default() }
}

/// The process that is taken down. As a test of its own it has nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let runtime = open(Path::new(&folder)).await;
    if env::var_os(WAITS).is_some() {
        runtime.publish_batch(vec![event("test.innocent"), event("test.guilty")]).await.unwrap();
        PUBLISHED.store(true, Ordering::Release);
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    panic!("nothing took the process down");
}

fn run_child(folder: &Path, waits: bool) -> ExitStatus {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]).env(FOLDER, folder);
    if waits {
        command.env(WAITS, "1");
    }
    command.status().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_the_process_down_three_times_alone_becomes_a_dead_letter_and_innocents_do_not() {
    use std::os::unix::process::ExitStatusExt;
    const ABORTED: Option<i32> = Some(6);
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run_child(folder.path(), true).signal(), ABORTED, "with the innocent in flight");
    for run in 1..=3 {
        assert_eq!(run_child(folder.path(), false).signal(), ABORTED, "alone for the {run}. time");
    }

    let runtime = open(folder.path()).await;
    let ended = async {
        loop {
            let guilty = runtime.consumer("guilty").await.unwrap().unwrap();
            let innocent = runtime.consumer("innocent").await.unwrap().unwrap();
            if guilty.dead == 1 && innocent.lag == 0 && innocent.in_flight == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ended).await.expect("all of it ends");
    let events = runtime.read(Offset(0), 100).await.unwrap();
    let guilty = events.iter().find(|stored| stored.event.event_type == "test.guilty").unwrap().offset;
    let letter = runtime.dead_letter("guilty", guilty).await.unwrap();
    let [attempt] = letter.history.as_slice() else { panic!("one attempt: {letter:?}") };
    assert_eq!(attempt.cause, "process-end");
    assert!(attempt.error.contains("3 more times while nothing else ran"), "{}", attempt.error);
    assert!(attempt.error.contains("takes the process down"), "{}", attempt.error);
    assert_eq!(runtime.consumer("innocent").await.unwrap().unwrap().dead, 0);
    assert_eq!(runtime.state_get("innocent", b"handled").await.unwrap().as_deref(), Some(&b"1"[..]));
    runtime.shutdown().await;
}
