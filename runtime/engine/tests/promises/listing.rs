//! Listings of dead letters keep nobody out of the critical section, however many there are.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use camshaft_event::Offset;

use super::redrive_jobs::{all, bury, choosy_world};

/// Longest wait for something that has to happen; only a failing test reaches it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Dead letters that one step looks at.
const LOOKED_AT_ONCE: usize = 256;

#[test]
fn others_get_in_before_and_after_each_dead_letter_that_is_listed() {
    let (mut world, bad) = choosy_world();
    let offsets = bury(&mut world, &bad, &[("1", "a"), ("2", "b"), ("3", "c")]);
    let shared = world.shared();
    let mut listed = Vec::new();
    let ended = shared.each_dead_letter("choosy", Offset(0), &|_| true, &mut |entry| {
        let (others, (enter, entered)) = (shared.clone(), channel());
        thread::spawn(move || enter.send(others.lock().sequenced()));
        entered.recv_timeout(PATIENCE).expect("the lock is free while a letter is shown");
        listed.push(entry.offset);
        ControlFlow::Continue(())
    });
    assert_eq!((ended.unwrap(), listed), (ControlFlow::Continue(()), offsets));
}

#[test]
fn one_step_of_a_listing_looks_at_a_bounded_part_of_the_dead_letters() {
    let (mut world, bad) = choosy_world();
    let ids: Vec<String> = (0..LOOKED_AT_ONCE + 44).map(|id| id.to_string()).collect();
    let ids: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), id.as_str())).collect();
    let offsets = bury(&mut world, &bad, &ids);
    let looked_at = Cell::new(0);
    let wants_none = |_: &str| {
        looked_at.set(looked_at.get() + 1);
        false
    };
    let first = world.sequencer().dead_portion("choosy", Offset(0), &wants_none);
    assert_eq!((looked_at.get(), first.found.len()), (LOOKED_AT_ONCE, 0));
    assert_eq!(first.next, Some(offsets[LOOKED_AT_ONCE]));
    let last = world.sequencer().dead_portion("choosy", first.next.unwrap(), &|_| true);
    assert_eq!((last.found.as_slice(), last.next), (&offsets[LOOKED_AT_ONCE..], None));

    let mut listed = 0;
    let count = &mut |_| {
        listed += 1;
        ControlFlow::Continue(())
    };
    assert!(world.shared().each_dead_letter("choosy", Offset(0), &|_| true, count).unwrap().is_continue());
    assert_eq!(listed, ids.len());
    let preview = world.shared().preview_redrive(&all(), 2).unwrap();
    assert_eq!((preview.selected, preview.first.as_slice()), (ids.len() as u64, &offsets[..2]));
}
