//! Operators see each held event with its last failure, and can make it due or a dead letter.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::rc::Rc;

use camshaft_engine::{HeldError, HeldEventEntry, WaitsFor};
use camshaft_event::{AfterDeadLetter, Answer, Backoff, FailureCause, Offset};

use super::harness::{World, note, reject, spec, trap};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// A consumer whose event `a` asks for another attempt after a year, until it is told to succeed.
fn asks_for_a_year() -> (World, Rc<Cell<bool>>) {
    let (mut world, is_well) = (World::new(), Rc::new(Cell::new(false)));
    let seen = Rc::clone(&is_well);
    world.attach(spec("trying", &["thing.*"]), move |event, attempt| {
        if seen.get() || event.id != "a" {
            return note(event, attempt);
        }
        Answer::Retry { after_ms: Some(365 * DAY_MS), reason: "the database is away\nsince noon".to_owned() }
    });
    (world, is_well)
}

fn held(world: &World, name: &str) -> Vec<HeldEventEntry> {
    held_from(world, name, 0)
}

fn held_from(world: &World, name: &str, from: u64) -> Vec<HeldEventEntry> {
    let mut found = Vec::new();
    let listed = world.shared().each_held(name, Offset(from), &mut |entry| {
        found.push(entry);
        ControlFlow::Continue(())
    });
    assert!(listed.unwrap().is_continue());
    found
}

fn retry(world: &mut World, offset: u64) -> Result<(), HeldError> {
    let now = world.now();
    world.sequencer().retry_held("trying", Offset(offset), now).map(drop)
}

fn set_aside(world: &mut World, offset: u64) -> Result<(), HeldError> {
    let now = world.now();
    world.sequencer().set_held_aside("trying", Offset(offset), now).map(drop)
}

#[test]
fn what_a_handler_asks_for_ends_with_the_age_that_an_event_may_have() {
    for asked_ms in [365 * DAY_MS, u64::MAX] {
        let mut world = World::new();
        let mut declared = spec("trying", &["thing.*"]);
        declared.policy.max_age_ms = 5_000;
        world
            .attach(declared, move |_, _| Answer::Retry { after_ms: Some(asked_ms), reason: "later".into() });
        world.put("a", "k");
        let begin = world.now();
        world.settle();
        assert_eq!(world.sequencer().next_due(), Some(begin.plus_ms(5_000)));
        world.settle_all();
        assert_eq!((world.called("trying").len(), world.dead("trying").len()), (2, 1), "{asked_ms}");
        assert!(world.now().ms_since(begin) < 6_000);
    }
}

#[test]
fn asking_for_less_than_the_backoff_gets_the_backoff() {
    let mut world = World::new();
    let mut declared = spec("trying", &["thing.*"]);
    declared.policy.max_attempts = 8;
    declared.policy.backoff = Backoff { base_ms: 100, max_ms: 60_000 };
    world.attach(declared, |_, _| Answer::Retry { after_ms: Some(0), reason: "at once".into() });
    world.put("a", "k");
    let begin = world.now();
    world.settle();
    assert_eq!(world.called("trying").len(), 1, "it is not tried again in the same moment");
    world.settle_all();
    // Full jitter: eight attempts that double from 100 ms take less than that once in a million runs.
    assert!(world.now().ms_since(begin) > 500, "{}", world.now().ms_since(begin));
}

#[test]
fn a_stricter_age_holds_for_what_waits_already_and_so_after_a_restart() {
    let (mut world, _) = asks_for_a_year();
    world.put("a", "k");
    let begin = world.now();
    world.settle();
    assert_eq!(world.sequencer().next_due(), Some(begin.plus_ms(DAY_MS)));
    let mut stricter = spec("trying", &["thing.*"]);
    stricter.policy.max_age_ms = 60_000;
    world.attach(stricter, note);
    assert_eq!(held(&world, "trying")[0].due, Some(begin.plus_ms(60_000)));
    world.sync();
    world.crash();
    world.restart();
    assert_eq!(held(&world, "trying")[0].due, Some(begin.plus_ms(60_000)));
    world.settle_all();
    assert_eq!(world.state("trying")["k"], "a");
    assert!(world.now().ms_since(begin) < 61_000);
}

#[test]
fn each_held_event_tells_its_last_failure_also_after_a_restart() {
    let (mut world, _) = asks_for_a_year();
    for (id, key) in [("a", "k"), ("b", "k"), ("c", "other")] {
        world.put(id, key);
    }
    let begin = world.now();
    world.settle();
    for _ in 0..2 {
        let found = held(&world, "trying");
        let [first, second] = &found[..] else { panic!("{found:?}") };
        let failed = first.event.last_failure().unwrap();
        assert_eq!(
            (failed.cause, failed.error.as_str()),
            (FailureCause::Retry, "the database is away\nsince noon")
        );
        assert_eq!(
            (first.offset, first.event.attempts, first.due),
            (Offset(1), 1, Some(begin.plus_ms(DAY_MS)))
        );
        assert_eq!(first.waits_for, WaitsFor::Retry { due: begin.plus_ms(DAY_MS) });
        assert_eq!((second.offset, second.due, second.event.last_failure()), (Offset(2), None, None));
        assert_eq!(second.waits_for, WaitsFor::Event { offset: Offset(1) });
        assert!(first.event.held_since.is_some() && second.event.held_since.is_some());
        let last = world.standing("trying").last_failure.unwrap();
        assert_eq!((last.offset, last.error.as_str()), (Offset(1), "the database is away"));
        assert_eq!(world.standing("trying").oldest_held.unwrap().due, first.due);
        world.crash();
        world.restart();
        world.settle();
    }
    assert_eq!(held_from(&world, "trying", 2).len(), 1, "a listing may begin anywhere");
}

#[test]
fn a_held_event_can_be_made_due_and_what_waits_behind_it_follows() {
    for is_killed in [false, true] {
        let (mut world, is_well) = asks_for_a_year();
        world.put("a", "k");
        world.put("b", "k");
        world.settle();
        is_well.set(true);
        world.settle();
        assert_eq!(world.called("trying").len(), 1, "nothing else lets it go on");
        retry(&mut world, 1).unwrap();
        if is_killed {
            world.sync();
            world.crash();
            world.restart();
        }
        world.settle();
        assert_eq!(world.state("trying")["k"], "a b");
        let told = world.told("camshaft.held.retried");
        assert_eq!(told, [serde_json::json!({ "consumer": "trying", "offset": 1 })]);
    }
}

#[test]
fn a_held_event_can_be_made_a_dead_letter() {
    for (after, is_killed) in [
        (AfterDeadLetter::Park, false),
        (AfterDeadLetter::Park, true),
        (AfterDeadLetter::Continue, false),
        (AfterDeadLetter::Continue, true),
    ] {
        let mut world = World::new();
        let mut declared = spec("trying", &["thing.*"]);
        declared.policy.after_dead_letter = after;
        world.attach(declared, |event, attempt| {
            if event.id == "a" {
                return Answer::Retry { after_ms: Some(u64::MAX), reason: "never mind".into() };
            }
            note(event, attempt)
        });
        world.put("a", "k");
        world.put("b", "k");
        world.settle();
        set_aside(&mut world, 1).unwrap();
        if is_killed {
            world.sync();
            world.crash();
            world.restart();
        }
        world.settle();
        let letters = world.dead("trying");
        let [(Offset(1), letter)] = &letters[..] else { panic!("{letters:?}") };
        assert_eq!(letter.history.latest().unwrap().error, "never mind");
        assert_eq!((letter.parks, letter.inputs.truncated), (after == AfterDeadLetter::Park, true));
        let goes_on = after == AfterDeadLetter::Continue;
        assert_eq!(world.state("trying").get("k").map(String::as_str), goes_on.then_some("b"));
        let waits = held(&world, "trying");
        assert_eq!(waits.len(), usize::from(!goes_on));
        assert!(waits.iter().all(|held| held.waits_for == WaitsFor::DeadLetter { offset: Offset(1) }));
        let told = world.told("camshaft.dead-letter.added");
        assert_eq!((told.len(), &told[0]["by_hand"], &told[0]["attempts"]), (1, &true.into(), &1.into()));
        // It is a dead letter like any other.
        let now = world.now();
        world.sequencer().discard("trying", Offset(1), now).unwrap();
        world.settle();
        assert_eq!(world.state("trying")["k"], "b");
    }
}

#[test]
fn what_is_attempted_is_left_alone() {
    let (mut world, is_well) = asks_for_a_year();
    world.put("a", "k");
    world.settle();
    retry(&mut world, 1).unwrap();
    is_well.set(true);
    let batch = world.take().unwrap();
    assert_eq!(held(&world, "trying")[0].waits_for, WaitsFor::Attempt);
    assert!(matches!(retry(&mut world, 1), Err(HeldError::Attempted { .. })));
    assert!(matches!(set_aside(&mut world, 1), Err(HeldError::Attempted { .. })));
    let finished = world.run(batch);
    world.commit(finished);
    world.settle();
    assert_eq!(world.state("trying")["k"], "a");
    assert!(matches!(retry(&mut world, 1), Err(HeldError::NotFound { .. })));
}

#[test]
fn what_comes_back_from_an_attempt_can_be_freed_again() {
    let (mut world, _) = asks_for_a_year();
    world.put("a", "k");
    world.settle();
    retry(&mut world, 1).unwrap();
    world.settle();
    assert_eq!(world.called("trying").len(), 2);
    set_aside(&mut world, 1).unwrap();
    assert_eq!(world.dead("trying")[0].1.history.total, 2);
}

#[test]
fn what_waits_behind_another_is_left_alone_and_the_refusal_names_that() {
    let (mut world, _) = asks_for_a_year();
    for id in ["a", "b", "c"] {
        world.put(id, "k");
    }
    world.settle();
    for act in [retry, set_aside] {
        let behind = act(&mut world, 2).unwrap_err();
        assert!(matches!(&behind, HeldError::Waits { waits_for: WaitsFor::Event { offset: Offset(1) }, .. }));
        assert!(behind.to_string().contains("behind trying:1"), "{behind}");
    }
    set_aside(&mut world, 1).unwrap();
    for act in [retry, set_aside] {
        let behind = act(&mut world, 3).unwrap_err();
        assert!(matches!(
            &behind,
            HeldError::Waits { waits_for: WaitsFor::DeadLetter { offset: Offset(1) }, .. }
        ));
        assert!(behind.to_string().contains("behind the dead letter trying:1"), "{behind}");
        assert!(matches!(act(&mut world, 9), Err(HeldError::NotFound { .. })));
    }
}

#[test]
fn what_failed_on_probation_waits_for_its_end_and_says_why_at_once() {
    let mut world = World::new();
    world.attach(spec("trying", &["thing.*"]), note);
    world.put("a", "k");
    world.settle();
    let newer = camshaft_engine::ConsumerSpec {
        digest: "2".into(),
        version: "2".into(),
        ..spec("trying", &["thing.*"])
    };
    let attached = world.attach(newer, |_, _| reject());
    world.put("b", "k");
    world.settle();
    let last = world.standing("trying").last_failure.unwrap();
    assert_eq!(
        (last.activation, last.cause, last.error.as_str()),
        (attached.activation, FailureCause::Reject, "never")
    );
    let offset = last.offset;
    assert!(matches!(held(&world, "trying")[0].waits_for, WaitsFor::Probation { .. }));
    for act in [retry, set_aside] {
        let refused = act(&mut world, offset.0);
        assert!(matches!(refused, Err(HeldError::Waits { waits_for: WaitsFor::Probation { .. }, .. })));
    }
}

#[test]
fn a_job_counts_what_is_made_a_dead_letter_again() {
    let mut world = World::new();
    let mut declared = spec("trying", &["thing.*"]);
    declared.policy.max_attempts = 2;
    let is_first = Cell::new(true);
    world.attach(declared, move |_, _| if is_first.replace(false) { reject() } else { trap() });
    world.put("a", "k");
    world.settle();
    let now = world.now();
    let selection = camshaft_event::transaction::RedriveSelection {
        consumer: "trying".into(),
        event_type: None,
        reason: None,
        since: None,
        until: None,
    };
    let job = world.sequencer().start_redrive(selection, None, now).unwrap();
    world.settle();
    set_aside(&mut world, 1).unwrap();
    for _ in 0..2 {
        assert_eq!(world.sequencer().redrive_job(job).unwrap().results.dead_again, 1);
        world.sync();
        world.crash();
        world.restart();
    }
}
