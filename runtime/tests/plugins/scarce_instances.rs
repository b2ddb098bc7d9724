//! Fewer instances than plugins that want one: all get their turns, and no event pays for the shortage.

use camshaft::view::DeadLetterQuery;

use super::world::World;

/// The first failed attempt would be the last.
const ONE_ATTEMPT: &str = "[policy]\nmax_attempts = 1\n";

const EVENTS: u32 = 200;

#[tokio::test(flavor = "multi_thread")]
async fn two_plugins_share_one_instance_and_both_handle_everything() {
    let world = World::with_one_instance().await;
    for guest in ["counter", "updates"] {
        world.drop_in(guest, guest, ONE_ATTEMPT);
        world.until_plugin(guest, |plugin| plugin.activation.is_some()).await;
    }
    for number in 0..EVENTS {
        world.publish(&number.to_string(), "test.event", Some(&number.to_string()), "1").await;
    }
    world.until_state("counter", "total", &EVENTS.to_string()).await;
    world
        .until(async || {
            let view = world.runtime.consumer("updates").await.unwrap()?;
            (view.lag == 0 && view.in_flight == 0 && view.retrying == 0).then_some(())
        })
        .await;
    let query = DeadLetterQuery { limit: 10, ..Default::default() };
    let letters = world.runtime.dead_letters(query).await.unwrap().items;
    assert!(letters.is_empty(), "{letters:?}");
    world.runtime.shutdown().await;
}
