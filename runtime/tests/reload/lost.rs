//! Copies of versions that are lost, and files that cannot run at a start: the consumer keeps its place.

use std::fs;

use camshaft::view::{ConsumerStatusView, ConsumerView, OutcomeView, PauseView, PluginStatus};
use camshaft_test_guests::version;

use super::world::{NAME, World, digest};

impl World {
    /// Waits until nothing handles for the plugin's consumer, which keeps its place.
    async fn until_unattended(&self) -> ConsumerView {
        let consumer = self
            .until(async || {
                let consumer = self.runtime.consumer(NAME).await.unwrap()?;
                let is_refused = self
                    .runtime
                    .plugin(NAME)
                    .await
                    .unwrap()
                    .is_some_and(|plugin| plugin.last_refusal.is_some());
                is_refused.then_some(consumer)
            })
            .await;
        assert_eq!(consumer.status, ConsumerStatusView::Paused);
        assert_eq!(consumer.pauses, [PauseView::Unattended]);
        consumer
    }

    /// The version that handled each of the events, once all are handled.
    async fn versions_of(&self, numbers: std::ops::Range<u64>) -> Vec<u64> {
        let noted = self.noted(usize::try_from(numbers.end).unwrap()).await;
        let mut noted: Vec<_> = noted.into_values().flatten().collect();
        noted.sort_by_key(|noted| noted.number);
        let noted: Vec<_> = noted.into_iter().filter(|noted| numbers.contains(&noted.number)).collect();
        assert_eq!(noted.len() as u64, numbers.end - numbers.start, "each once: {noted:?}");
        noted.into_iter().map(|noted| noted.version).collect()
    }

    async fn was_detached(&self) -> bool {
        let history = self.runtime.plugin_history(NAME).await.unwrap();
        history.iter().any(|past| matches!(past.outcome, OutcomeView::Detached { .. }))
    }
}

/// A plugin that is pinned to its first version, with the second one in its file and no copy of the first.
async fn pinned_and_lost() -> World {
    let world = World::new().await;
    world.activate(1, "good").await;
    world.publish(1, 0..5).await;
    world.until_handled().await;
    world.runtime.pin_plugin(NAME, &digest(&version(1, "good"))).await.unwrap();
    world
        .stopped(|plugins| {
            fs::remove_dir_all(plugins.join("../data/versions")).unwrap();
            fs::write(plugins.join("reloads.wasm"), version(2, "good")).unwrap();
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_plugin_whose_copy_is_lost_keeps_its_place_until_a_fitting_file_is_there() {
    let world = pinned_and_lost().await;
    world.until_unattended().await;
    let plugin = world.runtime.plugin(NAME).await.unwrap().unwrap();
    assert_eq!(plugin.status, PluginStatus::Refused);
    assert_eq!(plugin.pinned, Some(digest(&version(1, "good"))));
    let refusal = plugin.last_refusal.unwrap();
    assert_eq!(refusal.code, "version-not-kept");
    assert!(
        refusal.message.contains("its consumer keeps its checkpoint and receives no events"),
        "{}",
        refusal.message
    );
    assert!(refusal.hint.contains("camshaft plugins unpin reloads"), "{}", refusal.hint);
    world.publish(1, 5..10).await;
    // A start later it is the same.
    let world = world.restart().await;
    let consumer = world.until_unattended().await;
    assert!(consumer.lag >= 5, "{consumer:?}");

    world.drop_in("reloads.wasm", &version(1, "good"));
    assert_eq!(world.versions_of(0..10).await, [1; 10]);
    // It handles events a moment before it is shown.
    let plugin = world.until(async || world.runtime.plugin(NAME).await.unwrap()).await;
    assert_eq!((plugin.status, plugin.last_refusal), (PluginStatus::Active, None));
    assert!(!world.was_detached().await);
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_plugin_whose_copy_is_lost_runs_its_file_when_it_is_unpinned() {
    let world = pinned_and_lost().await;
    world.until_unattended().await;
    world.publish(1, 5..10).await;
    let plugin = world.runtime.unpin_plugin(NAME).await.unwrap();
    assert_eq!((plugin.status, plugin.last_refusal), (PluginStatus::Active, None));
    assert_eq!(world.versions_of(5..10).await, [2; 5]);
    assert!(!world.was_detached().await);
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_whose_file_is_refused_at_a_start_keeps_its_place_until_the_file_is_gone() {
    let world = World::new().await;
    world.activate(1, "good").await;
    let world = world
        .stopped(|plugins| {
            fs::remove_dir_all(plugins.join("../data/versions")).unwrap();
            fs::write(plugins.join("reloads.wasm"), "not a plugin").unwrap();
        })
        .await;
    world.until_unattended().await;
    world.publish(1, 0..5).await;
    world.drop_in("reloads.wasm", &version(2, "good"));
    assert_eq!(world.versions_of(0..5).await, [2; 5]);
    assert!(!world.was_detached().await);

    let world = world
        .stopped(|plugins| {
            fs::remove_dir_all(plugins.join("../data/versions")).unwrap();
            fs::write(plugins.join("reloads.wasm"), "not a plugin").unwrap();
        })
        .await;
    world.until_unattended().await;
    fs::remove_file(world.path("reloads.wasm")).unwrap();
    world
        .until(async || {
            let consumer = world.runtime.consumer(NAME).await.unwrap()?;
            (consumer.status == ConsumerStatusView::Detached).then_some(())
        })
        .await;
    world.runtime.shutdown().await;
}
