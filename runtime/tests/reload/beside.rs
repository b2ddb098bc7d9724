//! A new version is compiled beside the running one, and beside everything else that happens in the
//! directory.

use std::fs;

use camshaft::view::ConsumerStatusView;

use super::world::{NAME, World};

#[tokio::test(flavor = "multi_thread")]
async fn while_a_version_is_compiled_the_old_one_handles_and_other_files_come_and_go() {
    let world = World::new().await;
    let first = world.activate(1, "good").await;
    world.gate.close();
    world.drop_in("reloads.wasm", &camshaft_test_guests::version(2, "good"));
    world.gate.until_held().await;

    world.publish(4, 0..100).await;
    world.until_handled().await;
    let plugin = world.until_plugin(NAME, |plugin| plugin.loading).await;
    assert_eq!(plugin.digest, first.digest, "the first version still runs");
    world.drop_in("counter.wasm", &fs::read(camshaft_test_guests::component("counter")).unwrap());
    world.until_plugin("counter", |plugin| plugin.activation.is_some()).await;
    fs::remove_file(world.path("counter.wasm")).unwrap();
    world
        .until(async || {
            let consumer = world.runtime.consumer("counter").await.unwrap()?;
            (consumer.status == ConsumerStatusView::Detached).then_some(())
        })
        .await;

    world.gate.open();
    world.until_plugin(NAME, |plugin| plugin.digest != first.digest && !plugin.loading).await;
    world.publish(4, 100..200).await;
    for (key, noted) in world.noted(200).await {
        let versions: Vec<u64> = noted.iter().map(|noted| noted.version).collect();
        assert_eq!(versions, [vec![1; 25], vec![2; 25]].concat(), "key {key}");
    }
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_does_not_wait_for_one_that_is_still_compiled() {
    let world = World::new().await;
    let first = world.activate(1, "good").await;
    world.gate.close();
    world.drop_in("reloads.wasm", &camshaft_test_guests::version(2, "good"));
    world.gate.until_held().await;
    let third = world.activate(3, "good").await;
    world.gate.open();
    // Files are loaded on two threads. With one of them held, what the other one loads is carried out after
    // the second version was answered for, whichever of the two had that.
    world.gate.close();
    let drop_in = |name: &str| {
        let component = fs::read(camshaft_test_guests::component(name)).unwrap();
        world.drop_in(&format!("{name}.wasm"), &component);
    };
    drop_in("counter");
    world.gate.until_held().await;
    drop_in("timers");
    world.until_plugin("timers", |plugin| plugin.activation.is_some()).await;
    world.gate.open();
    let plugin = world.runtime.plugin(NAME).await.unwrap().unwrap();
    assert_eq!((plugin.digest, plugin.activation), (third.digest, third.activation));
    assert_eq!(third.activation, first.activation.map(|number| number + 1), "the second never ran");
    world.runtime.shutdown().await;
}
