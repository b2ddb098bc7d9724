//! Commands reach the consumer that owns their type, and no other consumer by chance.

mod answers;
mod decided_once;
mod owners;

use camshaft_engine::PublishRefusal;
use camshaft_event::{AttemptContext, Event};

use super::harness::{World, accepted, command, event, note, owner, spec};

#[test]
fn a_command_reaches_its_owner_and_consumers_that_ask_for_its_exact_type() {
    let mut world = World::new();
    world.attach(owner("owner", &["thing.do"]), note);
    world.attach(spec("wildcard", &["thing.*", "**"]), note);
    world.attach(spec("exact", &["thing.do"]), note);
    let mut observer = spec("observer", &["thing.do", "thing.*"]);
    observer.subscriptions[0].commands = true;
    world.attach(observer, note);
    world.send("c", "k");
    world.put("e", "k");
    world.settle();
    assert_eq!(world.state("owner")["k"], "c");
    assert_eq!(world.state("observer")["k"], "c e");
    assert_eq!(world.state("wildcard")["k"], "e");
    assert!(world.state("exact").is_empty());
}

#[test]
fn an_event_without_the_mark_never_reaches_the_owner() {
    let mut world = World::new();
    // It was published before anybody owned its type.
    world.publish(vec![command("e", "k")]);
    world.attach(owner("owner", &["thing.do"]), note);
    world.settle();
    assert!(world.state("owner").is_empty());
    let refusal = world.try_send(vec![command("e", "k")]).unwrap_err();
    assert!(matches!(refusal, PublishRefusal::Conflict { index: 0, .. }), "it was no command: {refusal}");
}

#[test]
fn events_of_a_command_type_are_refused_unless_they_were_published_before() {
    let mut world = World::new();
    world.publish(vec![command("old", "k")]);
    world.attach(owner("owner", &["thing.do"]), note);
    assert!(world.publish(vec![command("old", "k")]).receipts[0].duplicate, "a repeat is still a repeat");
    let refusal = world.try_publish(vec![event("e", "k"), command("new", "k")]).unwrap_err();
    assert!(
        matches!(&refusal, PublishRefusal::CommandType { index: 1, owner, .. } if owner == "owner"),
        "{refusal}"
    );
}

#[test]
fn only_the_runtime_marks_commands() {
    let mut world = World::new();
    world.attach(owner("owner", &["thing.do"]), note);
    let mut marked = event("e", "k");
    marked.set_extension("camshaftcommand", "true");
    for refusal in [world.try_publish(vec![marked.clone()]).unwrap_err(), {
        let command = Event { event_type: "thing.do".into(), ..marked };
        world.try_send(vec![command]).unwrap_err()
    }] {
        assert!(matches!(refusal, PublishRefusal::Reserved { index: 0, .. }), "{refusal}");
    }
}

#[test]
fn commands_of_one_subject_are_decided_in_order_whatever_their_partitionkey() {
    let mut world = World::new();
    world.attach(owner("owner", &["thing.do"]), |event, attempt| {
        super::harness::append(event.subject.as_deref().unwrap(), &event.id, attempt);
        attempt.answer(Ok(event.id.clone().into_bytes())).unwrap();
        super::harness::done()
    });
    let commands = (0..8).map(|number| Event {
        partitionkey: Some(number.to_string()),
        ..command(&number.to_string(), "account")
    });
    let receipts = world.try_send(commands.collect()).unwrap();
    world.settle();
    assert_eq!(world.state("owner")["account"], "0 1 2 3 4 5 6 7");
    assert_eq!(world.decision(receipts[7].offset), Some(accepted("7")));
}
