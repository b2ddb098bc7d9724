//! Twenty reloads while thousands of events are handled: nothing is lost, doubled or reordered.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use super::world::{NAME, World};

const RELOADS: u32 = 20;
const KEYS: u64 = 64;
const BATCH: u64 = 64;

/// So much is waiting at any time, so that each version takes over amid events.
const WAITING: u64 = 128;

/// Fewer would be no load.
const FEWEST: u64 = 2_000;

#[tokio::test(flavor = "multi_thread")]
async fn twenty_reloads_under_thousands_of_events_lose_double_and_reorder_nothing() {
    let world = World::new().await;
    world.activate(1, "good").await;
    let is_over = AtomicBool::new(false);
    let publish = async {
        let mut published = 0;
        while published < FEWEST || !is_over.load(Ordering::Relaxed) {
            world.publish(KEYS, published..published + BATCH).await;
            published += BATCH;
            world
                .until(async || (world.runtime.consumer(NAME).await.unwrap()?.lag <= WAITING).then_some(()))
                .await;
        }
        published
    };
    let reload = async {
        for number in 2..=RELOADS + 1 {
            world.activate(number, "good").await;
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let (published, ()) = tokio::join!(publish, reload);

    let noted = world.noted(usize::try_from(published).unwrap()).await;
    assert_eq!(noted.len() as u64, KEYS);
    for (key, noted) in &noted {
        let first: u64 = key.parse().unwrap();
        let expected: Vec<u64> = (first..published).step_by(usize::try_from(KEYS).unwrap()).collect();
        let numbers: Vec<u64> = noted.iter().map(|noted| noted.number).collect();
        assert_eq!(numbers, expected, "published under key {key}");
        assert_eq!(world.numbers(key).await, expected, "state of key {key}");
        assert!(noted.is_sorted_by_key(|noted| noted.version), "key {key} went back to an older version");
    }
    let versions: BTreeSet<u64> = noted.values().flatten().map(|noted| noted.version).collect();
    assert_eq!(versions.len(), 21, "each version has handled events, of {published}: {versions:?}");
    world.runtime.shutdown().await;
}
