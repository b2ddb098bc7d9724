//! A plugin as an aggregate: its scopes are shown by its `evolve`, now and at earlier versions.

use std::time::Duration;

use camshaft::view::{AnswerView, ScopeView};
use camshaft::{Event, Scope, ScopeAt};

use super::world::World;

/// The longest wait for an answer; only a failing test takes as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Deposits into the account `9`. Returns the balance.
async fn deposit(world: &World, id: &str, amount: u32) -> String {
    let command = Event {
        id: id.into(),
        source: "/teller".into(),
        event_type: "account.deposit".into(),
        subject: Some("9".into()),
        data: amount.to_string().into_bytes(),
        ..Event::default()
    };
    match world.runtime.send(command, PATIENCE).await.unwrap().answer {
        Some(AnswerView::Accepted(reply)) => reply.to_string(),
        other => panic!("{other:?}"),
    }
}

async fn shown(world: &World, at: Option<ScopeAt>) -> ScopeView {
    world.runtime.scope("account", &Scope::new("account", "9").unwrap(), at).await.unwrap()
}

async fn bank() -> World {
    let world = World::with_one_instance().await;
    world.drop_in("account", "account", "");
    world.until_plugin("account", |plugin| plugin.activation.is_some()).await;
    for (id, amount) in [("1", 100), ("2", 20), ("3", 3)] {
        deposit(&world, id, amount).await;
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_of_a_plugin_is_shown_now_and_at_earlier_versions() {
    let world = bank().await;
    let now = shown(&world, None).await;
    assert_eq!((now.version, now.fold.to_string().as_str(), now.stale), (3, "123", false));
    for (version, balance) in [(1, "100"), (2, "120"), (3, "123")] {
        let then = shown(&world, Some(ScopeAt::Version(version))).await;
        assert_eq!((then.version, then.fold.to_string().as_str()), (version, balance));
    }
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_new_revision_a_scope_is_stale_until_its_next_decision() {
    let world = bank().await;
    let before = world.until_plugin("account", |plugin| plugin.activation.is_some()).await.activation;
    world.put("account", &camshaft_test_guests::refolding_account());
    world.until_plugin("account", |plugin| plugin.activation.is_some() && plugin.activation != before).await;
    let stale = shown(&world, None).await;
    assert_eq!((stale.revision, stale.stale, stale.fold.to_string().as_str()), (1, true, "123"));
    // An earlier moment is made by the code that runs now.
    let then = shown(&world, Some(ScopeAt::Version(3))).await;
    assert_eq!((then.revision, then.stale, then.fold.to_string().as_str()), (2, false, "123"));
    assert_eq!(deposit(&world, "4", 1000).await, "1123");
    let current = shown(&world, None).await;
    assert_eq!((current.version, current.revision, current.stale), (4, 2, false));
    world.runtime.shutdown().await;
}
