//! Publishing a known source and id appends nothing and answers the first offset; other content is refused.

use camshaft_engine::{PublishRefusal, Receipt};
use camshaft_event::{Event, Offset};

use super::harness::{World, event, note, spec};

fn fresh(offset: Offset) -> Receipt {
    Receipt { offset, duplicate: false, wanted_by: 0 }
}

fn duplicate(offset: Offset) -> Receipt {
    Receipt { offset, duplicate: true, wanted_by: 0 }
}

fn changed(event: Event) -> Event {
    Event { data: b"other".to_vec(), ..event }
}

#[test]
fn a_duplicate_answers_the_first_offset_and_appends_nothing() {
    let mut world = World::new();
    let first = world.publish(vec![event("a", "k"), event("b", "k")]);
    assert_eq!(first.receipts, [fresh(Offset(0)), fresh(Offset(1))]);
    let sequenced = world.sequencer().sequenced();
    let mut again = event("b", "k");
    (again.time, again.data) = (Some("2026-01-01T00:00:00Z".into()), b"{}".to_vec());
    again.set_extension("traceparent", "00-1");
    let second = world.publish(vec![again]);
    assert_eq!(second.receipts, [duplicate(Offset(1))]);
    assert_eq!(world.sequencer().sequenced(), sequenced);
    assert!(second.durable_at >= first.durable_at, "it is not answered before the first one is durable");
}

#[test]
fn a_batch_may_mix_new_events_and_duplicates_even_of_itself() {
    let mut world = World::new();
    world.put("a", "k");
    let receipts =
        world.publish(vec![event("b", "k"), event("a", "k"), event("b", "k"), event("c", "k")]).receipts;
    assert_eq!(receipts, [fresh(Offset(1)), duplicate(Offset(0)), duplicate(Offset(1)), fresh(Offset(2))]);
    world.sync();
    let ids: Vec<_> = world.events().into_iter().map(|event| event.id).collect();
    assert_eq!(ids, ["a", "b", "c"]);
}

#[test]
fn the_same_identity_with_other_content_is_a_conflict_and_nothing_is_appended() {
    let mut world = World::new();
    world.put("a", "k");
    let sequenced = world.sequencer().sequenced();
    let refusal = world.try_publish(vec![event("b", "k"), changed(event("a", "k"))]).unwrap_err();
    assert!(matches!(refusal, PublishRefusal::Conflict { index: 1, offset: Offset(0) }), "{refusal}");
    let refusal = world.try_publish(vec![event("c", "k"), changed(event("c", "k"))]).unwrap_err();
    assert!(matches!(refusal, PublishRefusal::ConflictWithin { index: 1, first: 0 }), "{refusal}");
    assert_eq!(world.sequencer().sequenced(), sequenced);
}

#[test]
fn an_event_without_a_content_type_is_the_one_with_json() {
    let mut world = World::new();
    let json = |id: &str| Event { datacontenttype: Some("application/json".into()), ..event(id, "k") };
    let absent = |id: &str| Event { datacontenttype: None, ..event(id, "k") };
    world.publish(vec![absent("a"), json("b")]);
    let receipts = world.publish(vec![json("a"), absent("b"), absent("c"), json("c")]).receipts;
    let offsets: Vec<_> = receipts.iter().map(|receipt| (receipt.offset, receipt.duplicate)).collect();
    assert_eq!(offsets, [(Offset(0), true), (Offset(1), true), (Offset(2), false), (Offset(2), true)]);
    let text = Event { datacontenttype: Some("text/plain".into()), ..event("a", "k") };
    assert!(matches!(world.try_publish(vec![text]).unwrap_err(), PublishRefusal::Conflict { index: 0, .. }));
}

#[test]
fn another_source_is_another_event() {
    let mut world = World::new();
    world.put("a", "k");
    let other = Event { source: "/elsewhere".into(), ..changed(event("a", "k")) };
    assert_eq!(world.publish(vec![other]).receipts, [fresh(Offset(1))]);
}

#[test]
fn it_is_known_in_memory_while_it_is_flushed_and_after() {
    let mut world = World::new();
    world.put("a", "k");
    world.sync();
    let frozen = world.sequencer().freeze().unwrap();
    assert_eq!(world.publish(vec![event("a", "k")]).receipts, [duplicate(Offset(0))]);
    frozen.write(&*world.store).unwrap();
    // A producer looked before the flush ended, and publishes after it.
    let mut probe = world.shared().probe(vec![event("a", "k")]).unwrap();
    world.sequencer().flushed().unwrap();
    let now = world.now();
    assert_eq!(world.sequencer().publish(&mut probe, now).unwrap().receipts, [duplicate(Offset(0))]);
    assert_eq!(world.publish(vec![event("a", "k")]).receipts, [duplicate(Offset(0))]);
    assert!(world.try_publish(vec![changed(event("a", "k"))]).is_err());
}

#[test]
fn a_probe_from_before_the_flush_finds_what_was_flushed_since() {
    let mut world = World::new();
    world.put("0", "k");
    let mut probe = world.shared().probe(vec![event("a", "k")]).unwrap();
    world.put("a", "k");
    world.flush();
    let now = world.now();
    let receipts = world.sequencer().publish(&mut probe, now).unwrap().receipts;
    assert_eq!(receipts, [duplicate(Offset(1))]);
}

#[test]
fn it_is_known_after_a_crash_by_log_or_snapshot() {
    for flushes in [false, true] {
        let mut world = World::new();
        world.put("a", "k");
        world.sync();
        if flushes {
            world.flush();
        }
        world.put("lost", "k");
        world.crash();
        world.restart();
        assert_eq!(world.publish(vec![event("a", "k")]).receipts, [duplicate(Offset(0))]);
        assert_eq!(
            world.publish(vec![event("lost", "k")]).receipts,
            [fresh(Offset(1))],
            "it was never answered"
        );
    }
}

#[test]
fn beyond_the_trim_point_it_is_forgotten() {
    let mut world = World::new();
    world.put("a", "k");
    while world.sequencer().first_offset() == Offset(0) {
        let mut filler = event(&world.sequencer().sequenced().next_offset.to_string(), "k");
        filler.data = vec![0; 15_000];
        world.publish(vec![filler]);
        world.flush();
        world.trim();
    }
    let next = world.sequencer().sequenced().next_offset;
    assert_eq!(world.publish(vec![changed(event("a", "k"))]).receipts, [fresh(next)]);
    assert_eq!(world.publish(vec![changed(event("a", "k"))]).receipts, [duplicate(next)]);
    // Also when an old entry is still in the store behind the new one.
    world.flush();
    world.crash();
    world.restart();
    assert_eq!(world.publish(vec![changed(event("a", "k"))]).receipts, [duplicate(next)]);
}

#[test]
fn what_the_runtime_reserves_is_refused() {
    let mut world = World::new();
    let of_type = |event_type: &str| Event { event_type: event_type.into(), ..event("a", "k") };
    let of_source = |source: &str| Event { source: source.into(), ..event("a", "k") };
    let mut hopping = event("a", "k");
    hopping.set_extension("camshafthops", "0");
    let reserved = [
        of_type("camshaft"),
        of_type("camshaft.x"),
        of_source("/plugins/x"),
        of_source("/camshaft"),
        of_source("/camshaft/x"),
        hopping,
    ];
    for refused in reserved {
        let refusal = world.try_publish(vec![event("b", "k"), refused]).unwrap_err();
        assert!(matches!(refusal, PublishRefusal::Reserved { index: 1, .. }), "{refusal}");
    }
    world.attach(spec("any", &["**"]), note);
    world.publish(vec![of_type("camshafts.x"), of_source("/camshafts")]);
}

#[test]
fn too_large_an_event_or_batch_is_refused_naming_the_limit() {
    let mut world = World::new();
    let large = |bytes| Event { data: vec![0; bytes], ..event("a", "k") };
    let refusal = world.try_publish(vec![large(17 * 1024)]).unwrap_err();
    assert!(matches!(refusal, PublishRefusal::EventTooLarge { index: 0, limit: 16_384, .. }), "{refusal}");
    let batch = (0..3).map(|id| Event { id: id.to_string(), ..large(14 * 1024) }).collect();
    let refusal = world.try_publish(batch).unwrap_err();
    assert!(matches!(refusal, PublishRefusal::TransactionTooLarge { limit: 32_768, .. }), "{refusal}");
    assert_eq!(world.sequencer().sequenced().sequence.0, 0);
}
