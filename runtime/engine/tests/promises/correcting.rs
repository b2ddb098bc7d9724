//! Wrong data is corrected by discarding the dead letter and publishing a corrected event that names it as
//! its cause.

use camshaft_event::Event;

use super::harness::{World, append, done, event, note, reject, spec};

/// The event that takes the place of a wrong one.
fn correction(wrong: &Event) -> Event {
    let mut corrected = Event { data: b"{\"right\":true}".to_vec(), ..event("corrected", "k") };
    corrected.set_extension("causationid", &wrong.id);
    corrected.set_extension("correlationid", wrong.correlation());
    corrected
}

#[test]
fn a_corrected_event_takes_the_place_of_a_discarded_one_and_says_of_which() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.*"]), |event, attempt| {
        if event.id == "wrong" {
            return reject();
        }
        if let Some(cause) = event.extension("causationid") {
            append("corrected", cause, attempt);
        }
        note(event, attempt)
    });
    let offset = world.put("wrong", "k");
    world.put("behind", "k");
    world.settle();
    let wrong = world.dead("one").remove(0).1.event;
    // Each of the steps may be repeated by who does not know whether it was done.
    let first = world.publish(vec![correction(&wrong)]).receipts[0];
    world.settle();
    let again = world.publish(vec![correction(&wrong)]).receipts[0];
    assert_eq!((again.offset, again.duplicate), (first.offset, true));
    assert!(world.state("one").is_empty(), "it joins the end of its key");
    let now = world.now();
    world.sequencer().discard("one", offset, now).unwrap();
    assert!(world.sequencer().discard("one", offset, now).is_err());
    world.settle();
    let state = world.state("one");
    assert_eq!((state["k"].as_str(), state["corrected"].as_str()), ("behind corrected", "wrong"));
    assert_eq!((world.standing("one").dead, world.standing("one").held), (0, 0));
}

#[test]
fn what_a_corrected_event_causes_belongs_to_the_same_story() {
    let mut world = World::new();
    world.attach(spec("one", &["thing.happened"]), |event, attempt| {
        if event.id == "wrong" {
            return reject();
        }
        super::harness::publish("thing.followed", attempt);
        done()
    });
    world.put("wrong", "k");
    world.settle();
    let wrong = world.dead("one").remove(0).1.event;
    world.publish(vec![correction(&wrong)]);
    let offset = world.dead("one").remove(0).0;
    let now = world.now();
    world.sequencer().discard("one", offset, now).unwrap();
    world.settle();
    let followed = world.events().into_iter().find(|event| event.event_type == "thing.followed").unwrap();
    assert_eq!(followed.extension("correlationid"), Some("40891c0cd6f012b5-wrong"));
    assert_eq!(followed.extension("causationid"), Some("corrected"));
}
