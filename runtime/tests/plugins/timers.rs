//! Timers fire late rather than never: also those that came due while nothing ran.

use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_set_by_a_plugin_fires_after_a_restart() {
    let world = World::new().await;
    world.drop_in("timers", "timers", "");
    world.until_plugin("timers", |plugin| plugin.activation.is_some()).await;
    world.publish("1", "test.schedule", None, r#"{"name": "soon", "after_ms": 1}"#).await;
    let fired = async |world: &World, name: &str| {
        let key = format!("fired/{name}");
        world.until(async || world.runtime.state_get("timers", key.as_bytes()).await.ok()?).await;
    };
    fired(&world, "soon").await;
    world.publish("2", "test.schedule", None, r#"{"name": "later", "after_ms": 1500}"#).await;
    world
        .until(async || {
            let view = world.runtime.consumer("timers").await.unwrap()?;
            (view.lag == 0).then_some(())
        })
        .await;
    let world = world.restart().await;
    fired(&world, "later").await;
    world.runtime.shutdown().await;
}
