//! A redrive job takes the dead letters that were there when it was started and that it asks for, each once.

use std::rc::Rc;

use camshaft_event::transaction::RedriveSelection;
use camshaft_event::{AttemptContext, Event, FailureCause};

use super::{all, bury, choosy_world, counts, dead, job, redrive_by_hand, start};
use crate::promises::harness::{World, event, note, reject, retry, spec, trap};

#[test]
fn a_preview_counts_and_names_the_first_and_changes_nothing() {
    let (mut world, bad) = choosy_world();
    let offsets = bury(&mut world, &bad, &[("1", "a"), ("2", "b"), ("3", "c")]);
    let before = world.sequencer().sequenced();
    let preview = world.sequencer().preview_redrive(&all(), 2).unwrap();
    assert_eq!((preview.selected, preview.first.as_slice()), (3, &offsets[..2]));
    assert_eq!(world.sequencer().sequenced(), before);
    assert_eq!((dead(&world), world.sequencer().redrive_jobs()), (offsets, Vec::new()));
    assert_eq!(world.sequencer().next_due(), None);
}

#[test]
fn a_job_takes_only_what_all_parts_of_its_selection_match() {
    let mut world = World::new();
    world.attach(spec("choosy", &["thing.*"]), |event, _| match event.id.as_str() {
        "trap" => trap(),
        "retry" => retry(),
        _ => reject(),
    });
    let [first, other] = ["first", "other"].map(|id| {
        let event_type = format!("thing.{id}");
        let offset = world.publish(vec![Event { event_type, ..event(id, id) }]).receipts[0].offset;
        world.settle();
        world.clock.advance_ms(10);
        offset
    });
    let (trapped, retried) = (world.put("trap", "trap"), world.put("retry", "retry"));
    world.settle_all();
    let at =
        |world: &World, at| world.dead("choosy").into_iter().find(|(offset, _)| *offset == at).unwrap().1.at;
    let other_at = at(&world, other);
    for (selection, expected) in [
        (all(), vec![first, other, trapped, retried]),
        (RedriveSelection { event_type: Some("thing.first".parse().unwrap()), ..all() }, vec![first]),
        (
            RedriveSelection { event_type: Some("thing.happened".parse().unwrap()), ..all() },
            vec![trapped, retried],
        ),
        (RedriveSelection { event_type: Some("order.*".parse().unwrap()), ..all() }, vec![]),
        (RedriveSelection { reason: Some(FailureCause::Reject), ..all() }, vec![first, other]),
        (RedriveSelection { reason: Some(FailureCause::Trap), ..all() }, vec![trapped]),
        (RedriveSelection { reason: Some(FailureCause::Deadline), ..all() }, vec![]),
        (RedriveSelection { since: Some(other_at), ..all() }, vec![other, trapped, retried]),
        (RedriveSelection { until: Some(other_at), ..all() }, vec![first]),
        (
            RedriveSelection { since: Some(other_at), reason: Some(FailureCause::Reject), ..all() },
            vec![other],
        ),
    ] {
        let preview = world.sequencer().preview_redrive(&selection, 9).unwrap();
        assert_eq!(
            (preview.first, preview.selected),
            (expected.clone(), expected.len() as u64),
            "{selection:?}"
        );
        let mut copy = world.copy();
        copy.recover();
        let id = start(&mut copy, selection, 0);
        copy.settle_all();
        assert_eq!(counts(&copy, id), [expected.len() as u64, expected.len() as u64, 0, 0]);
        assert_eq!(dead(&copy).len() + expected.len(), 4, "no code is attached, so what it took waits");
    }
}

#[test]
fn what_dies_again_is_not_redriven_again_by_the_same_job() {
    let (mut world, bad) = choosy_world();
    let ids = [("1", "a"), ("2", "b"), ("3", "b"), ("4", "c")];
    let offsets = bury(&mut world, &bad, &ids);
    bad.borrow_mut().extend(["1".to_owned(), "3".to_owned()]);
    let id = start(&mut world, all(), 0);
    world.settle_all();
    assert_eq!(counts(&world, id), [4, 4, 0, 0]);
    assert_eq!(dead(&world), [offsets[0], offsets[2]]);
    assert!(world.dead("choosy").iter().all(|(_, letter)| letter.redrives == 1));
    let results = job(&world, id).results;
    assert_eq!((results.handled, results.dead_again), (2, 2));
    // The next job does take them; what the first one did stays as it is.
    bad.borrow_mut().clear();
    let next = start(&mut world, all(), 0);
    world.settle_all();
    assert_eq!((counts(&world, next), job(&world, next).results.handled), ([2, 2, 0, 0], 2));
    assert_eq!(job(&world, id).results, results);
}

#[test]
fn what_becomes_a_dead_letter_after_the_start_is_not_taken() {
    let (mut world, bad) = choosy_world();
    // An event ahead of a selected one waits for its second attempt when the job starts.
    let retries = Rc::clone(&bad);
    world.attach(spec("choosy", &["thing.*"]), move |event, attempt| match event.id.as_str() {
        "late" if attempt.attempt() == 1 => retry(),
        id if retries.borrow().contains(id) || id == "late" => reject(),
        _ => note(event, attempt),
    });
    let late = world.put("late", "late");
    let offsets = bury(&mut world, &bad, &[("1", "a"), ("2", "b"), ("3", "c")]);
    let id = start(&mut world, all(), 1);
    world.tick();
    bad.borrow_mut().insert("new".to_owned());
    let new = world.put("new", "n");
    world.settle_all();
    assert!(late < offsets[0] && new > offsets[2]);
    assert_eq!((counts(&world, id), dead(&world)), ([3, 3, 0, 0], vec![late, new]));
}

#[test]
fn what_is_redriven_by_hand_or_discarded_meanwhile_is_gone() {
    let (mut world, bad) = choosy_world();
    let offsets = bury(&mut world, &bad, &[("1", "a"), ("2", "b"), ("3", "c"), ("4", "d"), ("5", "e")]);
    let id = start(&mut world, all(), 1);
    world.settle();
    assert_eq!(counts(&world, id), [5, 1, 0, 4]);
    let now = world.now();
    world.sequencer().discard("choosy", offsets[1], now).unwrap();
    redrive_by_hand(&mut world, offsets[2]);
    // Redriven by hand and dead again, it is another dead letter, which the job has not selected.
    bad.borrow_mut().insert("4".to_owned());
    redrive_by_hand(&mut world, offsets[3]);
    world.settle();
    assert_eq!(counts(&world, id), [5, 1, 3, 1]);
    world.settle_all();
    assert_eq!(counts(&world, id), [5, 2, 3, 0]);
    assert_eq!((dead(&world), world.dead("choosy")[0].1.redrives), (vec![offsets[3]], 1));
    assert_eq!(job(&world, id).results.handled, 2, "what was redriven by hand is none of its own");
}
