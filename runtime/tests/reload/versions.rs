//! Going back, pinning, and what a restart makes of it: the versions that ran are kept.

use std::collections::BTreeSet;
use std::fs;

use camshaft::view::{ActivationView, OutcomeView, PluginView};
use camshaft::{ErrorCode, VersionError};
use camshaft_test_guests::{component, version};

use super::world::{NAME, World, digest};

impl World {
    /// The version that handles events now.
    async fn handling(&self) -> u64 {
        let before = self.noted(0).await.values().map(Vec::len).sum::<usize>();
        let number = 1_000 + before as u64;
        self.publish(1, number..number + 1).await;
        let noted = self.noted(before + 1).await;
        noted.values().flatten().find(|noted| noted.number == number).unwrap().version
    }

    /// Waits until a version waits.
    async fn until_waiting(&self, bytes: &[u8]) -> PluginView {
        let wanted = digest(bytes);
        self.until_plugin(NAME, |plugin| {
            plugin.waiting.as_ref().is_some_and(|waiting| waiting.digest == wanted)
        })
        .await
    }

    async fn outcomes(&self) -> Vec<(u64, &'static str)> {
        let history = self.runtime.plugin_history(NAME).await.unwrap();
        let outcome = |past: &ActivationView| match past.outcome {
            OutcomeView::Running => "running",
            OutcomeView::Replaced { .. } => "replaced",
            OutcomeView::RolledBack { .. } => "rolled back",
            OutcomeView::Detached { .. } => "detached",
            OutcomeView::Removed { .. } => "removed",
        };
        history.iter().map(|past| (past.activation, outcome(past))).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_was_taken_back_by_hand_waits_until_its_file_changes() {
    let world = World::new().await;
    world.activate(1, "good").await;
    world.activate(2, "good").await;
    let plugin = world.runtime.roll_plugin_back(NAME, None).await.unwrap();
    assert_eq!(plugin.digest, Some(digest(&version(1, "good"))));
    let waiting = plugin.waiting.unwrap();
    assert_eq!((waiting.digest, waiting.reason.as_str()), (digest(&version(2, "good")), "rolled-back"));
    assert!(waiting.message.contains("by hand"), "{}", waiting.message);
    assert!(waiting.hint.contains("camshaft plugins rollback reloads --to"), "{}", waiting.hint);
    assert_eq!(world.handling().await, 1);
    assert_eq!(world.outcomes().await, [(3, "running"), (2, "rolled back"), (1, "replaced")]);

    // Written anew, touched, and over a restart it is still the same.
    world.drop_in("reloads.wasm", &version(2, "good"));
    let world = world.restart().await;
    world.until_waiting(&version(2, "good")).await;
    assert_eq!(world.handling().await, 1);
    assert_eq!(world.outcomes().await.len(), 3, "the restart activated nothing");

    let third = world.activate(3, "good").await;
    assert_eq!((third.digest, third.waiting), (Some(digest(&version(3, "good"))), None));
    // The one that was taken back is passed over.
    let plugin = world.runtime.roll_plugin_back(NAME, None).await.unwrap();
    assert_eq!(plugin.digest, Some(digest(&version(1, "good"))));
    world.drop_in("reloads.wasm", &version(2, "good"));
    world.until_waiting(&version(2, "good")).await;
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_was_taken_back_runs_when_it_is_named_or_its_operators_file_changes() {
    let world = World::new().await;
    world.activate(1, "good").await;
    world.activate(2, "good").await;
    world.runtime.roll_plugin_back(NAME, None).await.unwrap();
    let second = digest(&version(2, "good"));
    let plugin = world.runtime.roll_plugin_back(NAME, Some(&second[..10])).await.unwrap();
    assert_eq!((plugin.digest.as_ref(), plugin.waiting), (Some(&second), None));
    assert_eq!(world.handling().await, 2);
    let world = world.restart().await;
    assert_eq!(world.handling().await, 2, "it is not taken back any more");

    world.runtime.roll_plugin_back(NAME, None).await.unwrap_err();
    let first = digest(&version(1, "good"));
    world.runtime.roll_plugin_back(NAME, Some(&first)).await.unwrap();
    assert_eq!(world.handling().await, 1);
    fs::write(world.path("reloads.toml"), "[limits]\nmemory = \"32MiB\"\n").unwrap();
    world.until_plugin(NAME, |plugin| plugin.digest.as_ref() == Some(&second)).await;
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_version_runs_whatever_its_file_holds_until_it_is_unpinned() {
    let world = World::new().await;
    let first = digest(&version(1, "good"));
    world.activate(1, "good").await;
    let plugin = world.runtime.pin_plugin(NAME, &first[..8]).await.unwrap();
    assert_eq!((plugin.pinned.as_ref(), plugin.waiting), (Some(&first), None));
    world.drop_in("reloads.wasm", &version(2, "good"));
    let waiting = world.until_waiting(&version(2, "good")).await.waiting.unwrap();
    assert_eq!(waiting.reason, "pinned");
    assert!(waiting.hint.contains("camshaft plugins unpin reloads"), "{}", waiting.hint);
    assert_eq!(world.handling().await, 1);
    // What cannot run is refused, pinned or not.
    fs::write(world.path("reloads.wasm"), "not a plugin").unwrap();
    world.until_plugin(NAME, |plugin| plugin.last_refusal.is_some()).await;
    world.drop_in("reloads.wasm", &version(3, "good"));
    let world = world.restart().await;
    world.until_waiting(&version(3, "good")).await;
    assert_eq!(world.handling().await, 1);

    let third = digest(&version(3, "good"));
    let refused = world.runtime.roll_plugin_back(NAME, Some(&third)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::VersionNotKept, "it never ran");
    let plugin = world.runtime.unpin_plugin(NAME).await.unwrap();
    assert_eq!((plugin.digest, plugin.pinned, plugin.waiting), (Some(third.clone()), None, None));
    assert_eq!(world.handling().await, 3);

    // An earlier one may be pinned, too, and unpinning goes forward again.
    world.runtime.pin_plugin(NAME, &first).await.unwrap();
    assert_eq!(world.handling().await, 1);
    let refused = world.runtime.roll_plugin_back(NAME, Some(&third)).await.unwrap_err();
    assert_eq!(refused, VersionError::Pinned { name: NAME.into(), digest: first });
    let world = world.restart().await;
    world.until_waiting(&version(3, "good")).await;
    world.runtime.unpin_plugin(NAME).await.unwrap();
    assert_eq!(world.handling().await, 3);
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ran_before_a_restart_runs_until_the_new_file_is_ready_or_if_it_is_refused() {
    let world = World::new().await;
    world.activate(1, "good").await;
    world.drop_in("copy.wasm", &version(2, "good"));
    world.until_plugin("copy", |plugin| plugin.last_refusal.is_some()).await;
    let world =
        world.stopped(|plugins| fs::write(plugins.join("reloads.wasm"), "not a plugin").unwrap()).await;
    assert_eq!(world.handling().await, 1, "a bad file costs no event");
    world.until_plugin(NAME, |plugin| plugin.last_refusal.is_some()).await;

    world.gate.close();
    let good = version(3, "good");
    let world = world.stopped(|plugins| fs::write(plugins.join("reloads.wasm"), &good).unwrap()).await;
    world.gate.until_held().await;
    assert_eq!(world.handling().await, 1, "the new one is not compiled yet");
    world.gate.open();
    world.until_plugin(NAME, |plugin| plugin.digest == Some(digest(&good))).await;
    assert_eq!(world.handling().await, 3);
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_runs_again_with_the_settings_that_it_had() {
    let world = World::new().await;
    let memory = async |bytes: u64| {
        let is_so = |plugin: &PluginView| plugin.limits.is_some_and(|limits| limits.memory_bytes == bytes);
        world.until_plugin(NAME, is_so).await
    };
    fs::write(world.path("reloads.toml"), "[limits]\nmemory = \"16MiB\"\n").unwrap();
    world.activate(1, "good").await;
    fs::write(world.path("reloads.toml"), "[limits]\nmemory = \"32MiB\"\n").unwrap();
    memory(32 << 20).await;
    world.activate(2, "good").await;
    memory(32 << 20).await;
    let plugin = world.runtime.roll_plugin_back(NAME, None).await.unwrap();
    assert_eq!(plugin.limits.unwrap().memory_bytes, 32 << 20, "as it ran last");
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_about_versions_is_said_with_its_reason() {
    let world = World::new().await;
    let code = |refused: Result<PluginView, VersionError>| refused.unwrap_err().code();
    assert_eq!(code(world.runtime.roll_plugin_back(NAME, None).await), ErrorCode::PluginNotFound);
    assert_eq!(code(world.runtime.pin_plugin(NAME, "0").await), ErrorCode::PluginNotFound);
    assert_eq!(code(world.runtime.unpin_plugin(NAME).await), ErrorCode::PluginNotFound);
    let unknown = world.runtime.plugin_history(NAME).await.unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::PluginNotFound);
    world.activate(1, "good").await;
    assert_eq!(code(world.runtime.roll_plugin_back(NAME, None).await), ErrorCode::NoEarlierVersion);
    assert_eq!(code(world.runtime.roll_plugin_back(NAME, Some("zz")).await), ErrorCode::VersionNotKept);
    world.activate(2, "good").await;
    assert_eq!(code(world.runtime.roll_plugin_back(NAME, Some("")).await), ErrorCode::VersionAmbiguous);
    let kept = world.path(&format!("../data/versions/{}.wasm", digest(&version(1, "good"))));
    fs::copy(component("counter"), kept).unwrap();
    let refused = world.runtime.roll_plugin_back(NAME, None).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::VersionUnusable);
    assert!(refused.to_string().contains("the copy is damaged"), "{refused}");
    assert_eq!(world.handling().await, 2, "what runs goes on");
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compiled_code_is_kept_as_long_as_its_version() {
    let world = World::new().await;
    let code = world.path("../data/code");
    let names = || -> BTreeSet<String> {
        fs::read_dir(&code).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    for number in 1..=2 {
        world.activate(number, "good").await;
    }
    let stray = code.join(format!("{}.cwasm", "0".repeat(64)));
    let world = world.stopped(|_| fs::write(&stray, "").unwrap()).await;
    world.until(async || (!stray.exists()).then_some(())).await;
    for number in 1..=2 {
        let kept = digest(&version(number, "good"));
        assert!(names().iter().any(|name| name.starts_with(&kept)), "version {number} may run again");
    }
    for number in 3..=13 {
        world.activate(number, "good").await;
    }
    // The first may still be needed: it is what the others are on probation after.
    let of_second = digest(&version(2, "good"));
    world.until(async || (!names().iter().any(|name| name.starts_with(&of_second))).then_some(())).await;
    assert_eq!(world.handling().await, 13);
    world.runtime.shutdown().await;
}
