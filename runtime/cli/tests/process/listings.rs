//! No listing shows data that is not durable: it waits for the sync, and fails if the sync fails. Health does
//! not wait. The test runs itself a second time as a program that embeds the runtime, on a disk that fails on
//! demand.

use std::fs;
use std::pin::{Pin, pin};
use std::time::Duration;

use camshaft::view::{ConsumerStatusView, DeadLetterQuery, HealthStatus, RedriveRequest};
use camshaft::{Offset, Runtime, Unavailable};
use camshaft_event::RedriveId;
use tokio::time::timeout;

use super::embedding;

/// The listed plugin.
const NAME: &str = "counter";

/// How long a listing must stay pending to count as waiting.
const WAITS: Duration = Duration::from_millis(50);

/// Time limit for expected events; only a failing test reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_listing_waits_until_what_it_shows_is_durable_and_fails_if_it_never_is() {
    embedding::run("listings::child");
}

/// The embedding program. Run as a normal test, it does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Some((runtime, faults)) = embedding::open().await else { return };
    let (held, failing) = (faults.join("sync-waits"), faults.join("sync-fails"));
    runtime.load_plugin(camshaft_test_guests::component(NAME)).await.unwrap();
    for listing in listings(&runtime) {
        assert_eq!(timeout(PATIENCE, listing.answer).await.expect(listing.name), Ok(()));
    }

    fs::write(&held, "").unwrap();
    let mut paused = pin!(runtime.pause_consumer(NAME));
    assert!(timeout(WAITS, &mut paused).await.is_err(), "its sync is held back");
    let mut waiting = listings(&runtime);
    for listing in &mut waiting {
        assert!(timeout(WAITS, &mut listing.answer).await.is_err(), "{} waits", listing.name);
    }
    assert_eq!(runtime.health().status, HealthStatus::Accepting, "health waits for nothing");
    fs::remove_file(&held).unwrap();
    for listing in waiting {
        assert_eq!(timeout(PATIENCE, listing.answer).await.expect(listing.name), Ok(()), "{}", listing.name);
    }
    paused.await.unwrap();
    let consumer = runtime.consumer(NAME).await.unwrap().unwrap();
    assert_eq!(consumer.status, ConsumerStatusView::Paused);

    fs::write(&held, "").unwrap();
    let mut resumed = pin!(runtime.resume_consumer(NAME));
    assert!(timeout(WAITS, &mut resumed).await.is_err(), "its sync is held back");
    let mut waiting = listings(&runtime);
    for listing in &mut waiting {
        assert!(timeout(WAITS, &mut listing.answer).await.is_err(), "{} waits", listing.name);
    }
    fs::write(&failing, "").unwrap();
    fs::remove_file(&held).unwrap();
    for listing in waiting.into_iter().chain(listings(&runtime)) {
        let answer = timeout(PATIENCE, listing.answer).await.expect(listing.name);
        assert_eq!(answer, Err("the log is poisoned: a sync failed".to_owned()), "{}", listing.name);
    }
    assert_eq!(resumed.await, Err(Unavailable::Poisoned.into()));
    let health = runtime.health();
    assert_eq!(health.status, HealthStatus::Poisoned);
    assert!(health.why.unwrap().contains("could not sync"));
    runtime.shutdown().await;
}

/// A read of data from the engine.
struct Listing<'r> {
    name: &'static str,
    answer: Pin<Box<dyn Future<Output = Result<(), String>> + 'r>>,
}

/// All such reads, including reads that find nothing: the absence must be durable, too.
fn listings(runtime: &Runtime) -> Vec<Listing<'_>> {
    fn listing<'r, T, E: ToString>(
        name: &'static str,
        read: impl Future<Output = Result<T, E>> + 'r,
    ) -> Listing<'r> {
        let answer = Box::pin(async move { read.await.map(|_| ()).map_err(|error| error.to_string()) });
        Listing { name, answer }
    }
    /// A read of an item that does not exist.
    fn missing<'r, T, E: ToString>(
        name: &'static str,
        read: impl Future<Output = Result<T, E>> + 'r,
        refusal: &'static str,
    ) -> Listing<'r> {
        let answer = Box::pin(async move {
            match read.await {
                Ok(_) => Err(format!("{name} found something")),
                Err(error) if error.to_string() == refusal => Ok(()),
                Err(error) => Err(error.to_string()),
            }
        });
        Listing { name, answer }
    }
    let dead_letters = DeadLetterQuery { limit: 10, ..DeadLetterQuery::default() };
    let redrive = RedriveRequest {
        consumer: NAME.into(),
        event_type: None,
        reason: None,
        since: None,
        until: None,
        rate: None,
    };
    vec![
        listing("consumers", runtime.consumers()),
        listing("consumer", runtime.consumer(NAME)),
        listing("consumer that is not there", runtime.consumer("none")),
        listing("plugins", runtime.plugins()),
        listing("plugin", runtime.plugin(NAME)),
        listing("plugin that is not there", runtime.plugin("none")),
        listing("plugin_history", runtime.plugin_history(NAME)),
        listing("dead_letters", runtime.dead_letters(dead_letters)),
        missing(
            "dead_letter",
            runtime.dead_letter(NAME, Offset(0)),
            "consumer \"counter\" has no dead letter at offset 0",
        ),
        listing("redrives", runtime.redrives()),
        missing("redrive_job", runtime.redrive_job(RedriveId(7)), "there is no redrive job 7"),
        listing("preview_redrive", runtime.preview_redrive(redrive)),
        listing("state_list", runtime.state_list(NAME, b"", 10, None)),
        listing("state_page", runtime.state_page(NAME, b"", 10, None)),
        listing("state_get", runtime.state_get(NAME, b"total")),
        listing("state_text", runtime.state_text(NAME, b"total")),
    ]
}
