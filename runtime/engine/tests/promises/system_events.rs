//! The runtime's own events: no wildcard matches them, and failures of handling them are not announced.

use camshaft_event::RefusalCode;

use super::harness::{World, done, note, reject, spec};

#[test]
fn no_wildcard_matches_them_unless_it_names_them() {
    let mut world = World::new();
    world.attach(spec("all", &["**"]), note);
    world.attach(spec("three", &["*.*.*"]), note);
    world.attach(spec("system", &["camshaft.**"]), |event, attempt| {
        super::harness::append("seen", &event.event_type, attempt);
        done()
    });
    world.attach(spec("one", &["camshaft.dead-letter.added"]), note);
    world.attach(spec("refusing", &["thing.*"]), |_, _| reject());
    world.put("a", "k");
    world.settle();
    assert_eq!(world.called("all"), ["a"]);
    assert!(world.called("three").is_empty());
    assert_eq!(world.called("one").len(), 1);
    let seen = &world.state("system")["seen"];
    assert_eq!(seen.matches("camshaft.plugin.activated").count(), 5);
    assert_eq!(seen.matches("camshaft.dead-letter.added").count(), 1);
}

#[test]
fn failures_of_handling_them_are_recorded_but_not_announced() {
    let mut world = World::new();
    world.attach(spec("watching", &["camshaft.**"]), |_, _| reject());
    world.put("a", "k");
    world.settle_all();
    assert_eq!(world.standing("watching").dead, 1, "its own activation");
    let added =
        world.all_events().into_iter().filter(|event| event.event_type == "camshaft.dead-letter.added");
    assert_eq!(added.count(), 0);
}

#[test]
fn an_operators_acts_are_events_too() {
    let mut world = World::new();
    world.attach(spec("refusing", &["thing.*"]), |_, _| reject());
    let offset = world.put("a", "k");
    world.settle();
    let now = world.now();
    world.sequencer().redrive("refusing", offset, now).unwrap();
    world.settle();
    world.sequencer().discard("refusing", offset, now).unwrap();
    world.detach("refusing");
    world.sequencer().remove("refusing", now).unwrap();
    world.sequencer().announce_refusal("x.wasm", RefusalCode::NotWasm, "it is text", now).unwrap();
    world.sync();
    let system: Vec<_> = world.all_events().into_iter().filter(|event| event.source == "/camshaft").collect();
    let types: Vec<&str> =
        system.iter().map(|event| event.event_type.trim_start_matches("camshaft.")).collect();
    let expected = [
        "plugin.activated",
        "dead-letter.added",
        "dead-letter.redriven",
        "dead-letter.added",
        "dead-letter.discarded",
        "consumer.detached",
        "consumer.removed",
        "plugin.refused",
    ];
    assert_eq!(types, expected);
    let mut ids: Vec<&String> = system.iter().map(|event| &event.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), expected.len());
}
