//! Each command type has one owner, which keeps its commands until they are decided.

use camshaft_engine::{
    ConsumerError, ConsumerSpec, PublishRefusal, ResetPlace, ResetTo, Verdict, VerdictOutcome,
};
use camshaft_event::Event;

use crate::promises::harness::{World, command, done, key_in, note, owner, reject, spec};

#[test]
fn a_command_without_an_attached_owner_is_refused() {
    let mut world = World::new();
    let refusal = world.try_send(vec![command("c", "k")]).unwrap_err();
    assert!(matches!(&refusal, PublishRefusal::NoOwner { index: 0, detached: None, .. }), "{refusal}");
    world.attach(owner("owner", &["thing.do"]), note);
    world.send("c", "k");
    world.settle();
    world.detach("owner");
    let refusal = world.try_send(vec![command("d", "k")]).unwrap_err();
    assert!(
        matches!(&refusal, PublishRefusal::NoOwner { detached: Some(owner), .. } if owner == "owner"),
        "{refusal}"
    );
    assert!(world.send("c", "k").duplicate, "a known command is known all the same");
}

#[test]
fn after_a_start_commands_are_taken_before_their_owner_has_code() {
    let mut world = World::new();
    world.attach(owner("owner", &["thing.do"]), note);
    world.settle();
    world.crash();
    world.recover();
    world.send("c", "k");
    world.sync();
    world.restart();
    world.settle();
    assert_eq!(world.state("owner")["k"], "c");
}

#[test]
fn a_second_owner_is_refused_with_both_names() {
    let mut world = World::new();
    world.attach(owner("owner", &["thing.do"]), note);
    let now = world.now();
    let error = world.sequencer().attach(owner("other", &["thing.undo", "thing.do"]), now).unwrap_err();
    assert_eq!(error.to_string(), "command \"thing.do\" of \"other\" is owned by \"owner\"");
    assert!(world.try_send(vec![Event { event_type: "thing.undo".into(), ..command("c", "k") }]).is_err());
}

#[test]
fn a_consumer_keeps_its_role() {
    let mut world = World::new();
    world.attach(owner("owner", &["thing.do"]), note);
    world.attach(spec("handler", &["thing.happened"]), note);
    let now = world.now();
    for changed in [spec("owner", &["thing.do"]), owner("handler", &["thing.undo"])] {
        let error = world.sequencer().attach(changed, now).unwrap_err();
        assert!(matches!(error, ConsumerError::RoleChanged { .. }), "{error}");
    }
}

#[test]
fn a_type_with_undecided_commands_cannot_be_dropped() {
    let mut world = World::new();
    let both = owner("owner", &["thing.do", "thing.undo"]);
    let fewer = || owner("owner", &["thing.undo"]);
    world.attach(both, |_, _| reject());
    world.settle();
    let pending = world.send("c", "k").offset;
    let now = world.now();
    let undecided = |error: ConsumerError| {
        assert!(
            matches!(&error, ConsumerError::Undecided { command_type, .. } if command_type == "thing.do"),
            "{error}"
        );
    };
    undecided(world.sequencer().attach(fewer(), now).unwrap_err());
    world.settle();
    undecided(world.sequencer().attach(fewer(), now).unwrap_err());
    // A start does not forget it, in the log or as a dead letter.
    world.crash();
    world.recover();
    undecided(world.sequencer().attach(fewer(), now).unwrap_err());
    world.restart();
    world.settle();
    world.sequencer().discard("owner", pending, now).unwrap();
    world.sequencer().attach(fewer(), now).unwrap();
    assert!(world.try_send(vec![command("d", "k")]).is_err(), "it has no owner any more");
}

#[test]
fn an_owner_with_undecided_commands_cannot_be_removed_and_none_is_reset() {
    let mut world = World::new();
    world.attach(owner("owner", &["thing.do"]), |_, _| reject());
    world.settle();
    let dead = world.send("c", &key_in(1)).offset;
    world.settle();
    let now = world.now();
    let to = ResetTo { place: ResetPlace::Earliest, keep_state: true };
    let error = world.sequencer().reset("owner", to, now).unwrap_err();
    assert!(matches!(error, ConsumerError::NotResettable { .. }), "{error}");
    world.detach("owner");
    let error = world.sequencer().remove("owner", now).unwrap_err();
    assert!(matches!(error, ConsumerError::Undecided { .. }), "{error}");
    world.sequencer().discard("owner", dead, now).unwrap();
    world.sequencer().remove("owner", now).unwrap();
    world.attach(owner("other", &["thing.do"]), |_, _| done());
    world.send("d", "k");
}

#[test]
fn an_owner_that_lags_takes_no_type_whose_commands_an_earlier_owner_has_decided() {
    let mut world = World::new();
    world.attach(owner("lagging", &["thing.undo"]), note);
    world.attach(owner("first", &["thing.do"]), note);
    world.settle();
    let now = world.now();
    world.sequencer().pause("lagging", now).unwrap();
    world.try_send(vec![Event { event_type: "thing.undo".into(), ..command("u", "k") }]).unwrap();
    world.send("c", "k");
    world.settle();
    world.detach("first");
    world.sequencer().remove("first", now).unwrap();
    let both = || owner("lagging", &["thing.undo", "thing.do"]);
    let error = world.sequencer().attach(both(), now).unwrap_err();
    assert!(matches!(error, ConsumerError::Behind { .. }), "{error}");
    world.sequencer().resume("lagging", now).unwrap();
    world.settle();
    world.attach(both(), note);
    world.send("d", "k");
    world.settle();
    assert_eq!(world.state("lagging")["k"], "u d");
}

#[test]
fn a_failed_version_stays_paused_if_the_one_before_does_not_own_its_undecided_commands() {
    let version = |digest: &str, commands: &[&str]| ConsumerSpec {
        digest: digest.to_owned(),
        ..owner("owner", commands)
    };
    for (command_type, goes_back) in [("thing.undo", false), ("thing.do", true)] {
        let mut world = World::new();
        world.attach(version("a", &["thing.do"]), |_, _| done());
        world.settle();
        world.attach(version("b", &["thing.do", "thing.undo"]), |_, _| reject());
        let commands = (0..40).map(|number: u32| {
            let id = number.to_string();
            Event { event_type: command_type.into(), ..command(&id, &id) }
        });
        world.try_send(commands.collect()).unwrap();
        world.settle();
        let verdicts = world.sequencer().take_verdicts();
        let [Verdict { outcome, .. }] = &verdicts[..] else { panic!("{verdicts:?}") };
        assert_eq!(
            matches!(outcome, VerdictOutcome::RolledBack(_)),
            goes_back,
            "{command_type}: {outcome:?}"
        );
        assert_eq!(matches!(outcome, VerdictOutcome::Stopped), !goes_back, "{command_type}: {outcome:?}");
    }
}

#[test]
fn a_new_owner_does_not_decide_commands_that_the_one_before_has_decided() {
    let mut world = World::new();
    world.attach(owner("owner", &["thing.do"]), note);
    let first = world.send("c", "k").offset;
    world.settle();
    let decision = world.decision(first);
    world.detach("owner");
    let now = world.now();
    world.sequencer().remove("owner", now).unwrap();
    for name in ["owner", "other"] {
        world.attach(owner(name, &["thing.do"]), |_, _| reject());
        world.settle();
        assert!(world.dead(name).is_empty(), "the log holds the command, but {name} never sees it");
        world.detach(name);
        world.sequencer().remove(name, now).unwrap();
    }
    assert_eq!(world.decision(first), decision);
}

#[test]
fn a_detached_owner_that_has_decided_all_commands_can_be_removed_after_a_start() {
    let mut world = World::new();
    world.attach(owner("owner", &["thing.do"]), note);
    world.send("c", "k");
    world.settle();
    world.detach("owner");
    world.put("later", "k");
    world.sync();
    world.crash();
    world.recover();
    let now = world.now();
    world.sequencer().remove("owner", now).unwrap();
}

#[test]
fn a_command_that_left_the_log_before_its_owner_read_it_does_not_keep_the_owner() {
    let mut world = World::with(|options| options.detached_retention_ms = 0);
    world.attach(owner("owner", &["thing.do"]), note);
    let pending = world.send("c", "k").offset;
    world.detach("owner");
    let now = world.now();
    let error = world.sequencer().remove("owner", now).unwrap_err();
    assert!(matches!(error, ConsumerError::Undecided { .. }), "{error}");
    world.trim_beyond(pending);
    world.sequencer().remove("owner", now).unwrap();
}
