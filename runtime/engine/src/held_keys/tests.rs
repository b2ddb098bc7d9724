//! Which event of a key comes next, and when.

use super::*;

fn entry(due: u64) -> HeldEntry {
    HeldEntry {
        due: Timestamp(due),
        tried: due > 0,
        bytes: 10,
        sequenced_at: None,
        suspended_by: None,
        first_attempt: None,
        wait_ms: 0,
    }
}

fn key() -> Key {
    Key::Ordered("k".into())
}

#[test]
fn only_the_front_of_a_key_decides_when_it_is_due() {
    let mut held = HeldKeys::default();
    held.insert(&key(), Offset(1), entry(50));
    held.insert(&key(), Offset(2), entry(0));
    assert_eq!(held.take_due(Timestamp(49)), []);
    assert_eq!(held.take_due(Timestamp(50)), [key()]);
    assert_eq!(held.runnable(&key(), Timestamp(50)).collect::<Vec<_>>(), [Offset(1), Offset(2)]);
    assert_eq!(held.counts(), (2, 1));
}

#[test]
fn a_parked_key_is_never_due_and_is_free_once_unparked_and_empty() {
    let mut held = HeldKeys::default();
    held.park(&key(), Offset(1));
    held.insert(&key(), Offset(2), entry(0));
    assert_eq!((held.next_due(), held.runnable(&key(), Timestamp(9)).count()), (None, 0));
    held.unpark(&key(), Offset(1));
    assert_eq!(held.take_due(Timestamp(0)), [key()]);
    held.remove(&key(), Offset(2));
    assert!(!held.is_held(&key()));
    assert_eq!((held.counts(), held.bytes()), ((0, 0), 0));
}

#[test]
fn a_redriven_event_goes_before_what_waits() {
    let mut held = HeldKeys::default();
    held.insert(&key(), Offset(7), entry(0));
    held.insert(&key(), Offset(3), entry(0));
    assert_eq!(held.runnable(&key(), Timestamp(0)).collect::<Vec<_>>(), [Offset(3), Offset(7)]);
}

#[test]
fn no_event_waits_beyond_the_bound_of_its_first_attempt_parked_ones_neither() {
    let mut held = HeldKeys::default();
    let tried_at = |first, due| HeldEntry { first_attempt: Some(Timestamp(first)), ..entry(due) };
    held.insert(&key(), Offset(6), tried_at(10, 500));
    held.insert(&Key::Ordered("soon".into()), Offset(2), tried_at(10, 40));
    held.park(&key(), Offset(5));
    held.bound(|entry| entry.first_attempt.unwrap_or_default().plus_ms(100));
    assert_eq!(held.next_due(), Some(Timestamp(40)), "what is due sooner stays so");
    held.unpark(&key(), Offset(5));
    assert_eq!(held.take_due(Timestamp(110)), [Key::Ordered("soon".into()), key()]);
}

#[test]
fn each_event_says_what_it_stands_behind() {
    let mut held = HeldKeys::default();
    held.insert(&key(), Offset(3), entry(50));
    held.insert(&key(), Offset(7), entry(0));
    let stands =
        |held: &HeldKeys, offset| held.place(Offset(offset)).map(|place| (place.behind, place.parked_behind));
    assert_eq!(stands(&held, 3), Some((None, None)));
    assert_eq!(stands(&held, 7), Some((Some(Offset(3)), None)));
    held.park(&key(), Offset(5));
    assert_eq!(stands(&held, 7), Some((Some(Offset(3)), Some(Offset(5)))));
    held.drop_event(Offset(3));
    assert_eq!(held.offsets_from(Offset(0)).collect::<Vec<_>>(), [Offset(7)]);
    assert_eq!((stands(&held, 3), stands(&held, 7)), (None, Some((None, Some(Offset(5))))));
}

#[test]
fn a_dead_letter_parks_only_what_lies_behind_it() {
    let mut held = HeldKeys::default();
    held.park(&key(), Offset(5));
    held.insert(&key(), Offset(3), entry(0));
    held.insert(&key(), Offset(7), entry(0));
    assert_eq!(held.take_due(Timestamp(0)), [key()]);
    assert_eq!(held.runnable(&key(), Timestamp(0)).collect::<Vec<_>>(), [Offset(3)]);
    assert_eq!(held.waiting_behind(&key(), Offset(5)).collect::<Vec<_>>(), [Offset(7)]);
    assert_eq!(held.count_behind(&key(), Offset(5)), 1);
}
