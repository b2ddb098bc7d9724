//! A bad deploy under load: it is taken back by itself, and fills no dead letters.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use camshaft::view::{ConsumerStatusView, DeadLetterQuery, MeasureView, OutcomeView, PauseView};
use camshaft_test_guests::{raised, version};

use super::world::{NAME, World, digest};

/// More than the twenty events by which a version is judged: of each key only the first failed one counts.
const KEYS: u64 = 32;

impl World {
    async fn dead_letters(&self) -> usize {
        let query = DeadLetterQuery { limit: 1_000, ..Default::default() };
        self.runtime.dead_letters(query).await.unwrap().items.len()
    }

    /// Publishes batches, starting with number `from`, until `is_over`; returns the number after the last.
    async fn publish_until(&self, from: u64, is_over: &AtomicBool) -> u64 {
        let mut next = from;
        while !is_over.load(Ordering::Relaxed) {
            self.publish(KEYS, next..next + KEYS).await;
            next += KEYS;
            // As fast as it is handled.
            self.until(async || (self.runtime.consumer(NAME).await.unwrap()?.lag < 10 * KEYS).then_some(()))
                .await;
        }
        next
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_version_is_taken_back_by_itself_and_costs_no_event() {
    let world = World::new().await;
    world.activate(1, "good").await;
    world.publish(KEYS, 0..320).await;
    world.noted(320).await;
    let is_over = AtomicBool::new(false);
    let bad = version(2, "trap");
    let deploy = async {
        world.drop_in("reloads.wasm", &bad);
        let plugin = world.until_plugin(NAME, |plugin| plugin.waiting.is_some()).await;
        is_over.store(true, Ordering::Relaxed);
        plugin
    };
    let (published, plugin) = tokio::join!(world.publish_until(320, &is_over), deploy);
    assert_eq!((plugin.activation, plugin.digest), (Some(3), Some(digest(&version(1, "good")))));
    let waiting = plugin.waiting.unwrap();
    assert_eq!((waiting.digest, waiting.reason.as_str()), (digest(&bad), "rolled-back"));
    assert!(waiting.message.contains("failed its probation"), "{}", waiting.message);

    for (key, noted) in world.noted(usize::try_from(published).unwrap()).await {
        let first: u64 = key.parse().unwrap();
        let numbers: Vec<u64> = noted.iter().map(|noted| noted.number).collect();
        assert_eq!(numbers, (first..published).step_by(32).collect::<Vec<u64>>(), "key {key}");
        assert_eq!(world.numbers(&key).await, numbers, "state of key {key}");
        assert!(noted.iter().all(|noted| noted.version == 1), "key {key}: {noted:?}");
    }
    assert_eq!(world.dead_letters().await, 0);
    let history = world.runtime.plugin_history(NAME).await.unwrap();
    let OutcomeView::RolledBack { to: 3, cause, measured: Some(measured), error: Some(error), .. } =
        &history[1].outcome
    else {
        panic!("{history:#?}")
    };
    assert_eq!(cause, "probation");
    assert!(measured.failed >= 20 && measured.failed == measured.events, "{measured:?}");
    assert!(error.contains("version 2 traps"), "{error}");

    // Neither a restart nor the same file again makes it run.
    let world = world.restart().await;
    world.drop_in("reloads.wasm", &bad);
    world.until_plugin(NAME, |plugin| plugin.waiting.is_some()).await;
    world.publish(KEYS, published..published + KEYS).await;
    let noted = world.noted(usize::try_from(published).unwrap() + 32).await;
    assert!(noted.values().flatten().all(|noted| noted.version == 1));
    world.activate(3, "good").await;
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_that_are_business_as_usual_take_nothing_back() {
    let world = World::new().await;
    // In the log's order: among the first twenty are not more than before.
    fs::write(world.path("reloads.toml"), "[policy]\npartitions = 1\n").unwrap();
    world.activate(1, "good").await;
    world.publish_business(0..500).await;
    world.noted(450).await;
    let second = world.activate(2, "good").await;
    let probation = second.probation.unwrap();
    assert_eq!((probation.predecessor, probation.measured.events), (1, 0));
    assert_eq!(probation.before, MeasureView { events: 500, failed: 50 });
    world.publish_business(500..1_500).await;
    world.noted(1_350).await;
    let plugin = world.until_plugin(NAME, |plugin| plugin.probation.is_none()).await;
    assert_eq!((plugin.activation, plugin.waiting), (Some(2), None));
    world.until(async || (world.dead_letters().await == 150).then_some(())).await;
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_version_that_may_have_changed_the_state_pauses_instead() {
    let world = World::new().await;
    world.activate(1, "good").await;
    world.publish(8, 0..40).await;
    world.noted(40).await;
    world.drop_in("reloads.wasm", &raised(2, "trap"));
    world.until_plugin(NAME, |plugin| plugin.activation == Some(2)).await;
    world.publish(40, 40..80).await;
    let consumer = world
        .until(async || {
            let consumer = world.runtime.consumer(NAME).await.unwrap()?;
            (consumer.status == ConsumerStatusView::Paused).then_some(consumer)
        })
        .await;
    assert!(matches!(consumer.pauses[..], [PauseView::Probation { .. }]), "{:?}", consumer.pauses);
    let plugin = world.runtime.plugin(NAME).await.unwrap().unwrap();
    assert_eq!((plugin.activation, plugin.waiting), (Some(2), None));
    assert!(plugin.probation.unwrap().stopped);
    // A version that can read the state handles what waits.
    world.drop_in("reloads.wasm", &raised(3, "good"));
    let noted = world.noted(80).await;
    assert_eq!(noted.values().flatten().filter(|noted| noted.version == 3).count(), 40);
    assert_eq!(world.dead_letters().await, 0);
    world.runtime.shutdown().await;
}
