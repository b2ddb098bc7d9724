//! The plugins directory is all that an operator touches: what lies in it runs, what is taken away does not.

use std::fs;

use camshaft::view::{ConsumerStatusView, PluginStatus};

use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_is_added_taken_away_and_goes_on_where_it_stood() {
    let world = World::new().await;
    world.publish("1", "test.event", Some("a"), "1").await;
    world.drop_in("counter", "counter", "");
    world.until_state("counter", "total", "1").await;
    fs::remove_file(world.path("counter.wasm")).unwrap();
    world
        .until(async || {
            let view = world.runtime.consumer("counter").await.unwrap()?;
            (view.status == ConsumerStatusView::Detached).then_some(())
        })
        .await;
    world.publish("2", "test.event", Some("a"), "1").await;
    world.drop_in("counter", "counter", "");
    world.until_state("counter", "total", "2").await;
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_went_while_the_runtime_was_stopped_is_detached_at_the_next_start() {
    let world = World::new().await;
    world.drop_in("counter", "counter", "");
    world.publish("1", "test.event", None, "1").await;
    world.until_state("counter", "total", "1").await;
    fs::remove_file(world.path("counter.wasm")).unwrap();
    let world = world.restart().await;
    world
        .until(async || {
            let view = world.runtime.consumer("counter").await.unwrap()?;
            (view.status == ConsumerStatusView::Detached).then_some(())
        })
        .await;
    world.runtime.remove_consumer("counter").await.unwrap();
    assert!(world.runtime.consumer("counter").await.unwrap().is_none());
    world.drop_in("counter", "counter", "");
    world.until_state("counter", "total", "1").await;
    assert_eq!(
        world.runtime.consumer("counter").await.unwrap().unwrap().generation,
        3,
        "forgetting it ended one, too"
    );
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_file_takes_effect_when_it_changes() {
    let world = World::new().await;
    world.drop_in("reads-config", "reads-config", "[config]\ngreeting = \"hello\"\n");
    let first = world.until_plugin("reads-config", |plugin| plugin.activation.is_some()).await.activation;
    fs::write(world.path("reads-config.toml"), "[config]\ngreeting = \"good evening\"\n").unwrap();
    world
        .until_plugin("reads-config", |plugin| plugin.activation.is_some_and(|now| Some(now) != first))
        .await;
    fs::write(world.path("reads-config.toml"), "[confg]\n").unwrap();
    let view = world.until_plugin("reads-config", |plugin| plugin.last_refusal.is_some()).await;
    let refusal = view.last_refusal.unwrap();
    assert_eq!((view.status, refusal.code.as_str()), (PluginStatus::Active, "invalid-manifest"));
    assert!(refusal.message.contains("config"), "the nearest known key is named: {}", refusal.message);
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_file_of_one_name_is_refused_until_the_first_goes() {
    let world = World::new().await;
    world.drop_in("counter", "first", "");
    world.until_plugin("counter", |plugin| plugin.activation.is_some()).await;
    world.drop_in("counter", "second", "");
    let refused = world.until_plugin("second", |plugin| plugin.status == PluginStatus::Refused).await;
    let refusal = refused.last_refusal.unwrap();
    assert_eq!(refusal.code, "duplicate-plugin-name");
    assert!(
        refusal.message.contains("first.wasm") && refusal.message.contains("second.wasm"),
        "{}",
        refusal.message
    );
    fs::remove_file(world.path("first.wasm")).unwrap();
    world.until_plugin("counter", |plugin| plugin.file.ends_with("second.wasm")).await;
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_plugin_is_refused_and_costs_no_event() {
    let world = World::new().await;
    world.drop_in("counter", "counter", "");
    fs::write(world.path("text.wasm"), "not a plugin").unwrap();
    let refused = world.until_plugin("text", |plugin| plugin.status == PluginStatus::Refused).await;
    assert_eq!(refused.last_refusal.unwrap().code, "not-wasm");
    let events = world
        .until(async || {
            let events = world.runtime.read(camshaft::Offset(0), 100).await.ok()?;
            events.iter().any(|stored| stored.event.event_type == "camshaft.plugin.refused").then_some(events)
        })
        .await;
    assert!(events.iter().all(|stored| stored.event.source == "/camshaft"));
    world.publish("1", "test.event", None, "1").await;
    world.until_state("counter", "total", "1").await;
    world.runtime.shutdown().await;
}
