//! A scan conflicts with changes inside the ranges that it read, and with no others.

use camshaft_engine::{Attempt, Committed, Finished};
use camshaft_event::{AttemptContext, Event};

use super::harness::{World, done, event, key_in, spec};

/// What a handler does with its state.
type Act = fn(&mut Attempt);

/// A world whose consumer `scanning` has the keys `a1`, `a2`, `a3` and `b1`. The handler does `read` for
/// events of the first partition, and `change` for events of the second one.
fn world(read: Act, change: Act) -> World {
    let mut world = World::with(|options| options.batch_events = 1);
    world.attach(spec("scanning", &["thing.*"]), move |event, attempt| {
        match event.id.as_str() {
            "begin" => ["a1", "a2", "a3", "b1"].iter().for_each(|key| set(attempt, key)),
            "reader" => {
                read(attempt);
                set(attempt, "seen");
            }
            _ => change(attempt),
        }
        done()
    });
    world.put("begin", &key_in(2));
    world.settle();
    world
}

fn set(attempt: &mut Attempt, key: &str) {
    attempt.set(key.as_bytes(), b"v").unwrap();
}

/// Both partitions' batches, run and not committed: the reader's and the other one's.
fn run_both(world: &mut World) -> (Finished, Finished) {
    world.put("reader", &key_in(0));
    world.put("other", &key_in(1));
    world.sync();
    world.read();
    let (reader, other) = (world.take().unwrap(), world.take().unwrap());
    (world.run(reader), world.run(other))
}

/// What comes of a batch that does `read`, while another partition's batch does `change` and commits first.
fn beside(read: Act, change: Act) -> Committed {
    let mut world = world(read, change);
    let (reader, other) = run_both(&mut world);
    assert!(matches!(world.commit(other), Committed::At(_)));
    let committed = world.commit(reader);
    world.settle();
    let runs = world.called("scanning").iter().filter(|id| *id == "reader").count();
    assert_eq!(runs, if committed == Committed::Conflict { 2 } else { 1 });
    committed
}

fn scan_a(attempt: &mut Attempt) {
    attempt.scan(b"a", None, 100).unwrap();
}

fn scan_first_two_of_a(attempt: &mut Attempt) {
    let page = attempt.scan_page(b"a", None, 2).unwrap();
    assert_eq!(page.after.as_deref(), Some(b"a2".as_slice()));
}

fn delete_a2(attempt: &mut Attempt) {
    attempt.delete(b"a2").unwrap();
}

#[test]
fn partitions_that_scan_and_write_different_prefixes_do_not_disturb_each_other() {
    let committed = beside(scan_a, |attempt| {
        assert_eq!(attempt.scan(b"b", None, 100).unwrap().len(), 1);
        set(attempt, "b1");
        set(attempt, "b2");
    });
    assert!(matches!(committed, Committed::At(_)), "{committed:?}");
}

#[test]
fn a_value_that_is_replaced_in_a_scanned_range_makes_the_batch_run_again() {
    assert_eq!(beside(scan_a, |attempt| set(attempt, "a2")), Committed::Conflict);
}

#[test]
fn a_key_that_is_deleted_from_a_scanned_range_makes_the_batch_run_again() {
    assert_eq!(beside(scan_a, delete_a2), Committed::Conflict);
}

#[test]
fn a_new_key_in_a_scanned_range_makes_the_batch_run_again() {
    for change in [(|attempt| set(attempt, "a25")) as Act, |attempt| set(attempt, "a9")] {
        assert_eq!(beside(scan_a, change), Committed::Conflict);
    }
}

#[test]
fn a_change_behind_the_last_key_of_an_unfinished_scan_is_no_conflict() {
    let committed = beside(scan_first_two_of_a, |attempt| {
        attempt.delete(b"a3").unwrap();
        set(attempt, "a21");
    });
    assert!(matches!(committed, Committed::At(_)), "{committed:?}");
}

#[test]
fn the_last_key_of_an_unfinished_scan_belongs_to_its_range() {
    let committed = beside(scan_first_two_of_a, |attempt| set(attempt, "a2"));
    assert_eq!(committed, Committed::Conflict);
}

#[test]
fn a_scan_in_the_middle_of_a_prefix_covers_what_lies_behind_its_beginning() {
    let scan: Act = |attempt| _ = attempt.scan(b"a", Some(b"a1"), 100).unwrap();
    let committed = beside(scan, |attempt| set(attempt, "a1"));
    assert!(matches!(committed, Committed::At(_)), "{committed:?}");
    assert_eq!(beside(scan, |attempt| set(attempt, "a11")), Committed::Conflict);
}

#[test]
fn a_deletion_that_is_flushed_before_the_commit_makes_the_batch_run_again() {
    let mut world = world(scan_a, delete_a2);
    let (reader, other) = run_both(&mut world);
    world.commit(other);
    assert!(world.flush());
    assert_eq!(world.commit(reader), Committed::Conflict);
}

#[test]
fn while_a_flush_is_under_way_the_changes_that_it_writes_still_count() {
    for (change, is_conflict) in [(delete_a2 as Act, true), (|attempt| set(attempt, "b2"), false)] {
        let mut world = world(scan_a, change);
        let (reader, other) = run_both(&mut world);
        world.commit(other);
        assert!(world.sequencer().freeze().is_some());
        assert_eq!(world.commit(reader) == Committed::Conflict, is_conflict);
    }
}

#[test]
fn a_flush_before_the_batch_was_taken_is_no_conflict() {
    let mut world = world(scan_a, |attempt| set(attempt, "b2"));
    // The snapshot then holds a later transaction than the last write of the state.
    world.publish(vec![Event { event_type: "other.happened".into(), ..event("unrelated", "k") }]);
    assert!(world.flush());
    let (reader, other) = run_both(&mut world);
    world.commit(other);
    let committed = world.commit(reader);
    assert!(matches!(committed, Committed::At(_)), "{committed:?}");
}
