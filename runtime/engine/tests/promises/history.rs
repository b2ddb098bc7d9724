//! Every activation of a consumer is remembered with what became of it, and so is the version that it is
//! pinned to; both in the transaction that makes them so, and audited.

use camshaft_engine::{ConsumerError, ConsumerSpec, Unready};
use camshaft_event::ActivationId;
use camshaft_event::transaction::{ActivationOutcome, ConsumerRecord, RollbackCause};
use camshaft_tables::store::Store;

use super::harness::{World, note, spec};

/// The consumer as the plugin file with this digest declares it.
fn version(digest: &str) -> ConsumerSpec {
    ConsumerSpec { digest: digest.into(), version: format!("1.{digest}"), ..spec("one", &["thing.*"]) }
}

/// Digests and outcomes, oldest first.
fn history(world: &World) -> Vec<(String, String)> {
    let past = world.sequencer().history("one").unwrap();
    let outcome = |outcome: &ActivationOutcome| match outcome {
        ActivationOutcome::Running => "running".to_owned(),
        ActivationOutcome::Replaced { by, .. } => format!("replaced by {by}"),
        ActivationOutcome::RolledBack(rolled_back) => {
            format!("rolled back to {} by {}", rolled_back.to, rolled_back.cause.code())
        }
        ActivationOutcome::Detached { .. } => "detached".to_owned(),
        ActivationOutcome::Removed { .. } => "removed".to_owned(),
    };
    past.iter().map(|past| (past.activation.digest.clone(), outcome(&past.outcome))).collect()
}

fn told(world: &World, expected: &[(&str, &str)]) {
    let expected: Vec<_> =
        expected.iter().map(|(digest, outcome)| ((*digest).to_owned(), (*outcome).to_owned())).collect();
    assert_eq!(history(world), expected);
}

fn pin(world: &mut World, digest: Option<&str>) {
    let now = world.now();
    world.sequencer().pin("one", digest.map(str::to_owned), now).unwrap();
}

/// The system events of these types that were published, as types and data.
fn announced(world: &mut World, types: &[&str]) -> Vec<(String, serde_json::Value)> {
    world.sync();
    let events = world.all_events().into_iter();
    let wanted = events.filter(|event| types.contains(&event.event_type.as_str()));
    wanted.map(|event| (event.event_type, serde_json::from_slice(&event.data).unwrap())).collect()
}

#[test]
fn each_activation_is_remembered_with_what_became_of_it() {
    let mut world = World::new();
    world.attach(version("a"), note);
    world.attach(version("a"), note);
    told(&world, &[("a", "running")]);
    world.clock.advance_ms(5);
    let mut configured = version("a");
    configured.config.insert("k".into(), "v".into());
    world.attach(configured, note);
    world.attach(version("b"), note);
    told(&world, &[("a", "replaced by 2"), ("a", "replaced by 3"), ("b", "running")]);
    let past = world.sequencer().history("one").unwrap();
    assert_eq!((past[2].activation.version.as_str(), past[2].activation.at), ("1.b", world.now()));
    assert_eq!(past[1].activation.config, [("k".to_owned(), "v".to_owned())]);
    world.detach("one");
    told(&world, &[("a", "replaced by 2"), ("a", "replaced by 3"), ("b", "detached")]);
    world.attach(version("b"), note);
    told(&world, &[("a", "replaced by 2"), ("a", "replaced by 3"), ("b", "running")]);
    world.detach("one");
    let now = world.now();
    world.sequencer().remove("one", now).unwrap();
    told(&world, &[("a", "replaced by 2"), ("a", "replaced by 3"), ("b", "removed")]);
    world.attach(version("c"), note);
    let [.., removed, new] = &history(&world)[..] else { panic!("its past outlasts its removal") };
    assert_eq!((removed.1.as_str(), new.0.as_str()), ("removed", "c"));
    assert!(world.sequencer().history("nobody").unwrap().is_empty());
}

#[test]
fn only_the_newest_are_kept() {
    let mut world = World::new();
    for number in 0..30 {
        world.attach(version(&number.to_string()), note);
    }
    let history = history(&world);
    assert_eq!((history.len(), history[0].0.as_str(), history[19].0.as_str()), (20, "10", "29"));
}

#[test]
fn what_an_operator_takes_back_counts_as_rolled_back() {
    let mut world = World::new();
    world.attach(version("a"), note);
    world.attach(version("b"), note);
    let now = world.now();
    assert_eq!(world.sequencer().rolled_back(&version("b")).unwrap(), None);
    let back = world.sequencer().roll_back(version("a"), now).unwrap();
    assert_eq!((back.activation, back.is_new), (ActivationId(3), true));
    told(&world, &[("a", "replaced by 2"), ("b", "rolled back to 3 by operator"), ("a", "running")]);
    let again = world.sequencer().roll_back(version("a"), now).unwrap();
    assert!(!again.is_new, "it runs already");
    let rolled_back = world.sequencer().rolled_back(&version("b")).unwrap().unwrap();
    let ActivationOutcome::RolledBack(rolled_back) = rolled_back.outcome else { panic!("it was") };
    assert_eq!((rolled_back.to, rolled_back.cause), (ActivationId(3), RollbackCause::Operator));
    assert_eq!(world.sequencer().rolled_back(&version("a")).unwrap(), None, "that was replaced, and runs");
    let version_of = |id: u64, digest: &str| serde_json::json!({ "activation": id, "digest": digest, "version": format!("1.{digest}") });
    let none = serde_json::json!({ "events": 0, "failed": 0 });
    assert_eq!(
        announced(&mut world, &["camshaft.plugin.rolled-back"]),
        [(
            "camshaft.plugin.rolled-back".to_owned(),
            serde_json::json!({
                "consumer": "one", "reason": "operator", "from": version_of(2, "b"), "to": version_of(3, "a"),
                "error": "", "measured": none, "before": none,
            }),
        )]
    );
    // Offered again it runs again: then it is not what was rolled back.
    world.attach(version("b"), note);
    assert_eq!(world.sequencer().rolled_back(&version("b")).unwrap(), None);
    world.put("0", "k");
    world.settle();
    assert_eq!(world.state("one")["k"], "0");
}

#[test]
fn a_pin_is_set_and_cleared_once_and_said_once() {
    let mut world = World::new();
    world.attach(version("a"), note);
    assert_eq!(world.sequencer().pinned("one"), None);
    for digest in [Some("a"), Some("a"), Some("b"), None, None] {
        pin(&mut world, digest);
        assert_eq!(world.sequencer().pinned("one"), digest);
    }
    let types = ["camshaft.plugin.pinned", "camshaft.plugin.unpinned"];
    let (pinned, data) =
        (types[0].to_owned(), |digest: &str| serde_json::json!({ "consumer": "one", "digest": digest }));
    assert_eq!(
        announced(&mut world, &types),
        [
            (pinned.clone(), data("a")),
            (pinned, data("b")),
            (types[1].to_owned(), serde_json::json!({ "consumer": "one" })),
        ]
    );
}

#[test]
fn a_pin_outlasts_other_code_and_detachment_but_not_removal() {
    let mut world = World::new();
    world.attach(version("a"), note);
    pin(&mut world, Some("a"));
    world.attach(version("b"), note);
    world.detach("one");
    assert_eq!(world.sequencer().pinned("one"), Some("a"));
    let now = world.now();
    world.sequencer().remove("one", now).unwrap();
    assert_eq!(world.sequencer().pinned("one"), None);
    let missing = world.sequencer().pin("one", Some("a".into()), now);
    assert!(matches!(missing, Err(ConsumerError::NotFound { .. })));
    world.attach(version("a"), note);
    assert_eq!(world.sequencer().pinned("one"), None);
}

#[test]
fn without_room_nothing_is_pinned() {
    let mut world = World::new();
    world.attach(version("a"), note);
    world.sync();
    world.sequencer().set_room(0);
    let now = world.now();
    let refused = world.sequencer().pin("one", Some("a".into()), now);
    assert!(matches!(refused, Err(ConsumerError::Unready(Unready::NoSpace))));
    assert_eq!(world.sequencer().pinned("one"), None);
}

#[test]
fn history_and_pin_survive_a_crash_if_they_were_durable() {
    for flushes in [false, true] {
        let mut world = World::new();
        world.attach(version("a"), note);
        world.attach(version("b"), note);
        pin(&mut world, Some("b"));
        world.sync();
        if flushes {
            world.flush();
        }
        let durable = history(&world);
        world.attach(version("c"), note);
        pin(&mut world, None);
        world.kill();
        world.recover();
        assert_eq!(history(&world), durable);
        assert_eq!(world.sequencer().pinned("one"), Some("b"));
    }
}

#[test]
fn the_history_of_a_consumer_from_before_there_was_one_begins_with_what_runs() {
    for detached in [false, true] {
        let mut world = World::new();
        world.attach(version("a"), note);
        world.attach(version("b"), note);
        if detached {
            world.detach("one");
        }
        world.sync();
        world.flush();
        let ConsumerRecord { id, name, generation, state_generation, partitions, status, activation, .. } =
            world.standing("one").record;
        // As older versions wrote it.
        let old = (id, name, generation, state_generation, partitions, status, activation);
        let (key, value) =
            ([vec![2], id.0.to_be_bytes().to_vec()].concat(), rmp_serde::to_vec(&old).unwrap());
        assert!(world.stored().contains_key(&key));
        world.store.write(&mut [(key.as_slice(), Some(value.as_slice()))].into_iter()).unwrap();
        world.kill();
        world.recover();
        told(&world, &[("b", if detached { "detached" } else { "running" })]);
        world.attach(version("c"), note);
        told(&world, &[("b", "replaced by 3"), ("c", "running")]);
    }
}
