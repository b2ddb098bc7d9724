//! A fact type belongs to the aggregate that records it, also after the aggregate was removed.

use camshaft_engine::{ConsumerError, ConsumerSpec, PublishRefusal};
use camshaft_event::{Event, Role};

use crate::promises::harness::{MOVED, World, bank, event, move_all, note, spec};

fn fact_of_a_stranger() -> Event {
    Event { event_type: MOVED.to_owned(), ..event("e", "k") }
}

#[test]
fn a_producer_cannot_publish_a_fact_type_nor_the_scopes_of_a_fact() {
    let mut world = World::with_bank();
    let refusal = world.try_publish(vec![event("a", "k"), fact_of_a_stranger()]).unwrap_err();
    assert!(
        matches!(&refusal, PublishRefusal::FactType { index: 1, owner, .. } if owner == "bank"),
        "{refusal}"
    );
    let mut forged = event("b", "k");
    forged.set_extension("scopes", "account/1@1");
    let refusal = world.try_publish(vec![forged]).unwrap_err();
    assert!(matches!(refusal, PublishRefusal::Reserved { index: 0, .. }), "{refusal}");
}

#[test]
fn a_plugin_that_publishes_or_records_the_facts_of_another_one_is_refused() {
    let world = World::with_bank();
    let now = world.now();
    let publishing = ConsumerSpec { publishes: Some(vec![MOVED.parse().unwrap()]), ..spec("other", &["x"]) };
    let mut recording = ConsumerSpec { name: "other".to_owned(), ..bank() };
    if let Role::Aggregate { commands, .. } = &mut recording.role {
        *commands = vec!["thing.undo".to_owned()];
    }
    for stranger in [publishing, recording] {
        let error = world.sequencer().attach(stranger, now).unwrap_err();
        assert_eq!(error.to_string(), "fact \"thing.moved\" of \"other\" is recorded by \"bank\"");
    }
}

#[test]
fn a_removed_aggregate_keeps_its_facts_its_folds_and_its_types() {
    let mut world = World::with_bank();
    world.transfer("a", "1");
    world.settle();
    world.detach("bank");
    let now = world.now();
    world.sequencer().remove("bank", now).unwrap();
    world.sync();
    world.crash();
    world.recover();
    assert!(matches!(
        world.try_publish(vec![fact_of_a_stranger()]).unwrap_err(),
        PublishRefusal::FactType { .. }
    ));
    world.attach(bank(), move_all);
    let next = world.transfer("b", "1");
    world.settle();
    assert_eq!((world.fold("1").as_str(), world.versions(next).as_str()), ("a b", "account/1@2"));
    assert_eq!(world.facts("1").len(), 2);
}

#[test]
fn a_removed_aggregate_does_not_come_back_as_a_handler() {
    let mut world = World::with_bank();
    world.transfer("a", "1");
    world.settle();
    world.detach("bank");
    let now = world.now();
    world.sequencer().remove("bank", now).unwrap();
    let error = world.sequencer().attach(spec("bank", &["x"]), now).unwrap_err();
    assert!(matches!(error, ConsumerError::UnknownFact { .. }), "{error}");
}

#[test]
fn a_version_that_does_not_know_a_fact_type_with_facts_is_refused() {
    let mut world = World::with_bank();
    let mut without = bank();
    if let Role::Aggregate { records, .. } = &mut without.role {
        *records = vec!["thing.else".to_owned()];
    }
    let now = world.now();
    world.transfer("a", "1");
    world.settle();
    let error = world.sequencer().attach(without.clone(), now).unwrap_err();
    assert_eq!(
        error.to_string(),
        "aggregate \"bank\" has facts \"thing.moved\", which this version does not know"
    );
    let mut unused = World::with_bank();
    unused.attach(without, note);
}
