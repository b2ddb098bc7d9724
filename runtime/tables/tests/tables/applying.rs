//! Applying is all that changes the tables, and needs nothing but the transaction.

use camshaft_event::transaction::{Handled, HeldChange, Section};
use camshaft_event::{ConsumerId, HeldEvent, Offset, RedriveId, Sequence, Timestamp, Transaction};
use camshaft_tables::{Position, Tables, TablesError};
use proptest::prelude::*;

use super::build::{
    CONSUMER, apply, consumer, entries, event, flush, new_tables, published, redrive, space, stored,
    troubles, writes,
};

/// A transaction of one of the kinds there are.
fn sections(choice: u8, number: u64) -> Vec<Section> {
    let id = format!("{number}");
    let generation = u32::try_from(number / 20 + 1).unwrap();
    match choice {
        0 => vec![published(&[&id, &format!("{id} too")])],
        1 => vec![writes(generation, &[(id.as_bytes(), Some(b"v")), (b"shared", Some(id.as_bytes()))])],
        2 => vec![writes(generation, &[(b"shared", None)]), published(&[&id])],
        3 => vec![troubles(number)],
        4 => vec![consumer(generation, Some(number), number.is_multiple_of(3))],
        5 => vec![redrive(number % 4, (!number.is_multiple_of(3)).then_some(number)), published(&[&id])],
        _ => vec![
            consumer(generation, None, false),
            troubles(number),
            writes(generation, &[(b"k", Some(b"v"))]),
        ],
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rebuilt_from_the_log_the_tables_are_the_same_as_flushed_on_the_way(
        choices in prop::collection::vec((0_u8..7, prop::bool::weighted(0.2)), 1..60),
    ) {
        let (mut flushed, mut rebuilt) = (new_tables(), new_tables());
        for (number, (choice, flushes)) in (0..).zip(choices) {
            // A transaction goes through its bytes, as it does on its way through the log.
            for tables in [&mut flushed, &mut rebuilt] {
                let encoded = Transaction { floors: Vec::new(), sections: sections(choice, number) }.encode();
                let progress = tables.progress();
                let at = Position { sequence: progress.sequence.next(), first_offset: progress.next_offset };
                tables.apply(at, Transaction::decode(&encoded).unwrap()).unwrap();
            }
            if flushes {
                flush(&mut flushed);
            }
        }
        flush(&mut flushed);
        flush(&mut rebuilt);
        prop_assert_eq!(stored(flushed.store()), stored(rebuilt.store()));
    }
}

#[test]
fn a_transaction_out_of_order_is_refused() {
    let mut tables = new_tables();
    apply(&mut tables, published(&["a", "b"]));
    for (sequence, first_offset) in [(1, 2), (3, 2), (2, 1), (2, 3)] {
        let at = Position { sequence: Sequence(sequence), first_offset: Offset(first_offset) };
        let refused = tables.apply(at, Transaction::of(published(&["c"])));
        assert!(matches!(refused, Err(TablesError::OutOfOrder { .. })), "{sequence} {first_offset}");
    }
    assert_eq!((tables.progress().sequence, tables.progress().next_offset), (Sequence(1), Offset(2)));
}

#[test]
fn identities_of_producers_events_are_known_with_their_offsets() {
    let mut tables = new_tables();
    apply(&mut tables, published(&["a", "b"]));
    let hash = event("b").hash();
    let known = tables.recent_identity(hash.identity).unwrap();
    assert_eq!((known.offset, known.content), (Offset(1), hash.content));
    flush(&mut tables);
    assert_eq!(tables.recent_identity(hash.identity), None);
    assert_eq!(Tables::stored_identity(tables.store().as_ref(), hash.identity).unwrap(), Some(known));
}

#[test]
fn a_dead_letter_knows_since_which_transaction_it_is_one() {
    let mut tables = new_tables();
    apply(&mut tables, published(&["a"]));
    for sequence in [2, 3] {
        apply(&mut tables, troubles(10));
        let letter = tables.dead_letter(CONSUMER, Offset(10)).unwrap().unwrap();
        assert_eq!(letter.since, Sequence(sequence));
    }
}

#[test]
fn a_redrive_job_is_replaced_whole_and_goes_with_its_results() {
    let mut tables = new_tables();
    let redriven = |tables: &Tables<_>| {
        let jobs = tables.redrive_jobs().unwrap();
        jobs.into_iter().map(|job| (job.id.0, job.redriven)).collect::<Vec<_>>()
    };
    let handled = |tables: &Tables<_>, id| tables.redrive_results(RedriveId(id)).unwrap().handled;
    for flushes in [false, true] {
        for (id, count) in [(2, 1), (10, 3), (2, 2)] {
            apply(&mut tables, redrive(id, Some(count)));
        }
        // Identities lie between the sorted tables of a snapshot.
        apply(&mut tables, published(&["a", "b", "c"]));
        if flushes {
            flush(&mut tables);
        }
        assert_eq!(redriven(&tables), [(2, 2), (10, 3)]);
        assert_eq!((handled(&tables, 2), handled(&tables, 10)), (2, 3));
        apply(&mut tables, redrive(2, None));
        assert_eq!((redriven(&tables), handled(&tables, 2)), (vec![(10, 3)], 0));
    }
}

#[test]
fn a_held_event_is_replaced_whole_and_goes() {
    let mut tables = new_tables();
    let change = |event| {
        let held = vec![HeldChange { offset: Offset(7), event }];
        Section::Handled(Box::new(Handled { consumer: CONSUMER, held, ..Handled::default() }))
    };
    let retried = HeldEvent { attempts: 2, due: Timestamp(50), ..HeldEvent::waiting(event("a"), None) };
    apply(&mut tables, change(Some(Box::new(HeldEvent::waiting(event("a"), None)))));
    apply(&mut tables, change(Some(Box::new(retried.clone()))));
    assert_eq!(tables.held(CONSUMER, Offset(7)).unwrap(), Some(retried));
    apply(&mut tables, change(None));
    assert_eq!(tables.held(CONSUMER, Offset(7)).unwrap(), None);
}

/// What a consumer of `id` has left: held events, dead letters, timers, and its third partition's checkpoint.
fn left(tables: &Tables<camshaft_tables::store::MemoryStore>, id: ConsumerId) -> (usize, usize, usize, u64) {
    let (mut held, mut dead, mut timers) = (0, 0, 0);
    tables.each_held(id, &mut |_, _| held += 1).unwrap();
    tables.each_dead_letter(id, &mut |_, _| dead += 1).unwrap();
    tables.each_timer(id, &mut |_, _| timers += 1).unwrap();
    (held, dead, timers, tables.checkpoint(id, 3).unwrap().0)
}

#[test]
fn a_consumer_that_begins_anew_leaves_nothing_of_its_own_wherever_it_lies() {
    for flushes in [false, true] {
        let mut tables = new_tables();
        apply(&mut tables, consumer(1, Some(0), false));
        apply(&mut tables, troubles(10));
        if flushes {
            flush(&mut tables);
        }
        apply(&mut tables, troubles(20));
        assert_eq!(left(&tables, CONSUMER), (2, 2, 1, 21));
        apply(&mut tables, consumer(2, Some(5), true));
        assert_eq!(left(&tables, CONSUMER), (0, 0, 0, 0));
        assert_eq!(tables.floor(CONSUMER).unwrap(), Offset(5));
        assert!(entries(&tables, space(2), b"", None, 9).is_empty());
        flush(&mut tables);
        assert_eq!(left(&tables, CONSUMER), (0, 0, 0, 0));
    }
}

#[test]
fn a_place_further_on_does_not_forget_partitions_that_are_past_it() {
    let mut tables = new_tables();
    apply(&mut tables, consumer(1, Some(0), false));
    apply(&mut tables, troubles(20));
    apply(&mut tables, consumer(1, Some(12), false));
    assert_eq!((tables.floor(CONSUMER).unwrap(), left(&tables, CONSUMER)), (Offset(12), (1, 1, 1, 21)));
}
