//! A plugin as an aggregate: its scopes are shown by its `evolve`, now and at earlier versions.

use std::time::Duration;

use camshaft::view::{AnswerView, ScopeView};
use camshaft::{Event, Scope, ScopeAt};

use super::world::World;

/// The longest wait for an answer; only a failing test takes as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A deposit into the account `9`.
fn command(id: &str, amount: u32) -> Event {
    Event {
        id: id.into(),
        source: "/teller".into(),
        event_type: "account.deposit".into(),
        subject: Some("9".into()),
        data: amount.to_string().into_bytes(),
        ..Event::default()
    }
}

/// Deposits into the account `9`. Returns the balance.
async fn deposit(world: &World, id: &str, amount: u32) -> String {
    match world.runtime.send(command(id, amount), PATIENCE).await.unwrap().answer {
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
    world.put("account", &camshaft_test_guests::raised_account("account"));
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

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_makes_other_folds_is_refused_unless_it_has_another_revision() {
    let world = bank().await;
    world.drop_in("account-otherwise", "account", "");
    let plugin = world.until_plugin("account", |plugin| plugin.last_refusal.is_some()).await;
    let refusal = plugin.last_refusal.unwrap();
    assert_eq!(refusal.code, "fold-differs");
    assert!(refusal.message.contains("makes another fold of scope \"account/9\""), "{}", refusal.message);
    assert_eq!(deposit(&world, "4", 1).await, "124", "the version before still runs");
    let bytes = camshaft_test_guests::raised_account("account-otherwise");
    world.put("account", &bytes);
    world.until_plugin("account", |plugin| plugin.version.as_deref() == Some("2.0.0")).await;
    let then = shown(&world, Some(ScopeAt::Version(4))).await;
    assert_eq!(then.fold.to_string(), "{\"base64\":\"eHh4eA==\"}");
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_stale_folds_are_made_again_once_a_new_revision_is_no_longer_on_probation() {
    let world = bank().await;
    let before = world.until_plugin("account", |plugin| plugin.activation.is_some()).await.activation;
    world.put("account", &camshaft_test_guests::raised_account("account"));
    world.until_plugin("account", |plugin| plugin.activation.is_some() && plugin.activation != before).await;
    assert!(shown(&world, None).await.stale);
    // A thousand decisions over another account end the probation.
    let commands =
        (0..1_001).map(|number| Event { subject: Some("8".into()), ..command(&format!("8-{number}"), 1) });
    for commands in commands.collect::<Vec<_>>().chunks(100) {
        world.runtime.send_batch(commands.to_vec(), PATIENCE).await.unwrap();
    }
    let swept = world.until(async || Some(shown(&world, None).await).filter(|scope| !scope.stale)).await;
    assert_eq!((swept.version, swept.revision, swept.fold.to_string().as_str()), (3, 2, "123"));
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_plugin_cannot_own_the_commands_or_the_facts_of_an_aggregate() {
    let world = bank().await;
    let bytes = camshaft_test_guests::renamed_account("accrual");
    world.put("accrual", &bytes);
    let refused = world.until_plugin("accrual", |plugin| plugin.last_refusal.is_some()).await;
    let refusal = refused.last_refusal.unwrap();
    assert_eq!(refusal.code, "type-owned");
    assert!(refusal.message.contains("is owned by \"account\""), "{}", refusal.message);
    world.runtime.shutdown().await;
}
