//! Two plugins that spin until their deadlines, on as many workers, and one that does no harm beside them.

use camshaft::{AttemptContext, Failure, Subscription};

use super::world::World;

/// Each event is spun on once, and is a dead letter then.
const SPINNER: &str = "[policy]\nmax_attempts = 1\n[limits]\ndeadline = \"2s\"\n";

/// Events of the innocent one that are published one after another, each once the one before was handled.
const INNOCENT: usize = 20;

/// The events that the spinners have spun on.
async fn spun(world: &World) -> u64 {
    let mut spun = 0;
    for name in ["loops-forever", "spins"] {
        spun += world.runtime.consumer(name).await.unwrap().unwrap().dead;
    }
    spun
}

#[tokio::test(flavor = "multi_thread")]
async fn two_plugins_that_spin_until_their_deadlines_do_not_keep_a_third_one_waiting() {
    let world = World::with_workers(2).await;
    world
        .runtime
        .subscribe(
            "innocent",
            Subscription::types(["test.innocent"]),
            |event, attempt| -> Result<(), Failure> {
                attempt.set(b"last", event.id.as_bytes())?;
                Ok(())
            },
        )
        .await
        .unwrap();
    for name in ["loops-forever", "spins"] {
        world.drop_in(name, name, SPINNER);
        world.until_plugin(name, |plugin| plugin.activation.is_some()).await;
    }
    for event in 0..100 {
        world.publish(&format!("spin {event}"), "test.event", Some(&event.to_string()), "1").await;
    }
    // Nobody knows before that they are late.
    world.until(async || (spun(&world).await >= 2).then_some(())).await;
    let before = spun(&world).await;
    for event in 0..INNOCENT {
        let id = format!("innocent {event}");
        world.publish(&id, "test.innocent", None, "1").await;
        let is_handled = async || {
            let last = world.runtime.state_get("innocent", b"last").await.ok()??;
            (last == id.as_bytes()).then_some(())
        };
        world.until(is_handled).await;
    }
    // Each would have had to wait for one of them to end.
    let meanwhile = spun(&world).await - before;
    assert!(meanwhile < INNOCENT as u64 / 2, "{meanwhile} events were spun on meanwhile");
    world.runtime.shutdown().await;
}
