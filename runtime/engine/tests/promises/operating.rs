//! Redrive and discard: the operator's two acts on a dead letter.

use std::cell::Cell;
use std::rc::Rc;

use camshaft_engine::DeadLetterError;
use camshaft_event::{AfterDeadLetter, Answer, AttemptContext, Offset};

use super::harness::{World, note, reject, retry, spec};

/// A consumer that rejects events whose id begins with "bad" until it is mended.
fn broken(choice: AfterDeadLetter) -> (World, Rc<Cell<bool>>) {
    let mut world = World::new();
    let mended = Rc::new(Cell::new(false));
    let is_mended = Rc::clone(&mended);
    let mut declared = spec("broken", &["thing.*"]);
    declared.policy.after_dead_letter = choice;
    world.attach(declared, move |event, attempt| {
        if event.id.starts_with("bad") && !is_mended.get() { reject() } else { note(event, attempt) }
    });
    (world, mended)
}

fn redrive(world: &mut World, offset: Offset) {
    let now = world.now();
    world.sequencer().redrive("broken", offset, now).unwrap();
}

#[test]
fn redrive_runs_the_dead_letter_then_what_waits_behind_it() {
    let (mut world, mended) = broken(AfterDeadLetter::Park);
    let bad = world.put("bad", "k");
    world.put_range(1..100, "k");
    world.settle();
    assert!(world.state("broken").is_empty());
    mended.set(true);
    redrive(&mut world, bad);
    world.put("100", "k");
    world.settle();
    let expected: Vec<String> =
        std::iter::once("bad".into()).chain((1..=100).map(|id| id.to_string())).collect();
    assert_eq!(world.state("broken")["k"], expected.join(" "));
    assert_eq!((world.standing("broken").held, world.standing("broken").dead), (0, 0));
    assert_eq!(world.calls.borrow().last().unwrap().attempt, 1);
}

#[test]
fn redrive_counts_attempts_and_age_anew_and_keeps_the_history() {
    let mut world = World::new();
    let mut declared = spec("broken", &["thing.*"]);
    (declared.policy.max_attempts, declared.policy.max_age_ms) = (2, 1_000);
    world.attach(declared, |_, _| retry());
    let offset = world.put("a", "k");
    world.settle_all();
    world.clock.advance_ms(100_000);
    for round in 1..4 {
        redrive(&mut world, offset);
        world.settle_all();
        let (_, letter) = world.dead("broken").remove(0);
        assert_eq!((letter.redrives, letter.history.total), (round, 2 * (u64::from(round) + 1)));
    }
    let attempts: Vec<u32> = world.calls.borrow().iter().map(|call| call.attempt).collect();
    assert_eq!(attempts, [1, 2, 1, 2, 1, 2, 1, 2]);
}

#[test]
fn a_redriven_event_that_fails_again_parks_its_key_again() {
    let (mut world, mended) = broken(AfterDeadLetter::Park);
    let bad = world.put("bad", "k");
    world.put("1", "k");
    world.settle();
    redrive(&mut world, bad);
    world.settle();
    assert_eq!((world.standing("broken").dead, world.standing("broken").held), (1, 1));
    assert!(world.state("broken").is_empty());
    mended.set(true);
    redrive(&mut world, bad);
    world.settle();
    assert_eq!(world.state("broken")["k"], "bad 1");
}

#[test]
fn an_act_is_durable_with_its_transaction() {
    for discards in [false, true] {
        for flushes in [false, true] {
            let (mut world, mended) = broken(AfterDeadLetter::Park);
            let bad = world.put("bad", "k");
            world.put("1", "k");
            world.settle();
            mended.set(true);
            let now = world.now();
            if discards {
                world.sequencer().discard("broken", bad, now).unwrap();
            } else {
                redrive(&mut world, bad);
            }
            world.sync();
            if flushes {
                world.flush();
            }
            world.crash();
            world.restart();
            world.settle();
            assert_eq!(world.state("broken")["k"], if discards { "1" } else { "bad 1" });
            assert_eq!((world.standing("broken").held, world.standing("broken").dead), (0, 0));
        }
    }
}

#[test]
fn discard_drops_the_dead_letter_and_runs_what_waits_behind_it() {
    let (mut world, _) = broken(AfterDeadLetter::Park);
    let bad = world.put("bad", "k");
    world.put_range(1..4, "k");
    world.settle();
    let now = world.now();
    world.sequencer().discard("broken", bad, now).unwrap();
    world.settle();
    assert_eq!(world.state("broken")["k"], "1 2 3");
    assert_eq!(world.standing("broken").dead, 0);
    let types: Vec<_> = world.all_events().into_iter().map(|event| event.event_type).collect();
    assert!(types.contains(&"camshaft.dead-letter.discarded".to_owned()), "{types:?}");
}

#[test]
fn an_act_on_what_is_not_dead_is_refused() {
    let (mut world, _) = broken(AfterDeadLetter::Park);
    let bad = world.put("bad", "k");
    world.settle();
    let now = world.now();
    let is_missing = |result| matches!(result, Err(DeadLetterError::NotFound { .. }));
    assert!(is_missing(world.sequencer().redrive("broken", Offset(999), now)));
    assert!(is_missing(world.sequencer().discard("nobody", bad, now)));
    redrive(&mut world, bad);
    assert!(is_missing(world.sequencer().redrive("broken", bad, now)), "it waits for its attempt");
}

#[test]
fn a_redriven_event_may_be_retried_before_what_waits_behind_it() {
    let mut world = World::new();
    let mended = Rc::new(Cell::new(false));
    let is_mended = Rc::clone(&mended);
    world.attach(spec("broken", &["thing.*"]), move |event, attempt| match event.id.as_str() {
        "bad" if !is_mended.get() => reject(),
        "bad" if attempt.attempt() < 3 => retry(),
        _ => note(event, attempt),
    });
    let bad = world.put("bad", "k");
    world.put("1", "k");
    world.settle();
    mended.set(true);
    redrive(&mut world, bad);
    world.settle_all();
    assert_eq!(world.state("broken")["k"], "bad 1");
}

#[test]
fn among_several_dead_letters_of_a_key_the_first_does_not_wait_for_the_others() {
    // Two dead letters of one key: the first came under a policy that goes on, the second under one that
    // parks.
    let (mut world, mended) = broken(AfterDeadLetter::Continue);
    let first = world.put("bad 1", "k");
    world.settle();
    let is_mended = Rc::clone(&mended);
    world.attach(spec("broken", &["thing.*"]), move |event, attempt| {
        if event.id.starts_with("bad") && !is_mended.get() { reject() } else { note(event, attempt) }
    });
    let second = world.put("bad 2", "k");
    world.settle();
    assert_eq!(
        world.dead("broken").iter().map(|(_, letter)| letter.parks).collect::<Vec<_>>(),
        [false, true]
    );
    mended.set(true);
    redrive(&mut world, first);
    // A new event of the key comes with it in one batch: that one waits for the second dead letter.
    world.put("3", "k");
    world.settle();
    assert_eq!(world.state("broken")["k"], "bad 1");
    assert_eq!(world.sequencer().waiting_behind("broken", second).len(), 1);
    redrive(&mut world, second);
    world.settle();
    assert_eq!(world.state("broken")["k"], "bad 1 bad 2 3");
}

#[test]
fn behind_a_redriven_event_a_later_retry_still_comes_before_new_events() {
    let mut world = World::new();
    let mut declared = spec("broken", &["thing.*"]);
    declared.policy.after_dead_letter = AfterDeadLetter::Continue;
    let mended = Rc::new(Cell::new(false));
    let is_mended = Rc::clone(&mended);
    world.attach(declared, move |event, attempt| match event.id.as_str() {
        "bad" if !is_mended.get() => reject(),
        "retried" if attempt.attempt() < 2 => retry(),
        _ => note(event, attempt),
    });
    let bad = world.put("bad", "k");
    world.put("retried", "k");
    world.settle();
    mended.set(true);
    redrive(&mut world, bad);
    world.put("new", "k");
    world.settle();
    assert_eq!(world.state("broken")["k"], "bad");
    world.settle_all();
    assert_eq!(world.state("broken")["k"], "bad retried new");
}

#[test]
fn an_act_while_a_batch_of_the_key_runs_loses_nothing() {
    for discards in [false, true] {
        let (mut world, mended) = broken(AfterDeadLetter::Park);
        let bad = world.put("bad", "k");
        world.settle();
        // A worker has taken the next event of the key to park it.
        world.put("1", "k");
        world.sync();
        let batch = world.take().unwrap();
        mended.set(true);
        let now = world.now();
        if discards {
            world.sequencer().discard("broken", bad, now).unwrap();
        } else {
            redrive(&mut world, bad);
        }
        let finished = world.run(batch);
        world.commit(finished);
        world.settle();
        assert_eq!(world.state("broken")["k"], if discards { "1" } else { "bad 1" });
    }
}

#[test]
fn a_retry_asked_for_by_a_redriven_event_is_due_in_time() {
    let mut world = World::new();
    world.attach(spec("broken", &["thing.*"]), |_, attempt| match attempt.attempt() {
        1 => Answer::Retry { after_ms: Some(500), reason: "later".into() },
        _ => reject(),
    });
    let offset = world.put("a", "k");
    world.settle_all();
    redrive(&mut world, offset);
    world.settle();
    assert_eq!(world.sequencer().next_due(), Some(world.now().plus_ms(500)));
}

#[test]
fn an_act_wakes_the_workers_itself() {
    for discards in [false, true] {
        let (mut world, mended) = broken(AfterDeadLetter::Park);
        let bad = world.put("bad", "k");
        world.put("1", "k");
        world.settle();
        mended.set(true);
        let now = world.now();
        if discards {
            world.sequencer().discard("broken", bad, now).unwrap();
        } else {
            redrive(&mut world, bad);
        }
        assert!(world.sequencer().has_work());
        world.step().unwrap();
        assert_eq!(world.state("broken")["k"], if discards { "1" } else { "bad 1" });
    }
}
