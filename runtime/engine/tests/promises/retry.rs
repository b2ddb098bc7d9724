//! A retry comes back by the policy: after a while, so often, so long.

use camshaft_event::{Answer, AttemptContext, FailureCause, Timestamp};

use super::harness::{World, done, note, retry, spec, trap};

/// The attempts that were made of the one event, with the time since the first.
fn always(answer: impl Fn() -> Answer + 'static, max_attempts: u32, max_age_ms: u64) -> World {
    let mut world = World::new();
    let mut declared = spec("trying", &["thing.*"]);
    (declared.policy.max_attempts, declared.policy.max_age_ms) = (max_attempts, max_age_ms);
    world.attach(declared, move |_, _| answer());
    world.put("a", "k");
    world
}

#[test]
fn an_event_comes_back_after_a_backoff_and_succeeds() {
    let mut world = World::new();
    world.attach(spec("trying", &["thing.*"]), |event, attempt| {
        if attempt.attempt() < 4 { retry() } else { note(event, attempt) }
    });
    world.put("a", "k");
    let begin = world.now();
    world.settle();
    assert_eq!((world.called("trying").len(), world.standing("trying").retrying), (1, 1));
    world.settle_all();
    assert_eq!(world.state("trying")["k"], "a");
    let attempts: Vec<u32> = world.calls.borrow().iter().map(|call| call.attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 4]);
    let waited_ms = world.now().ms_since(begin);
    assert!((3..=300).contains(&waited_ms), "{waited_ms}");
    assert_eq!((world.standing("trying").retrying, world.dead("trying").len()), (0, 0));
}

#[test]
fn a_handler_may_say_when() {
    let answer = || Answer::Retry { after_ms: Some(7_000), reason: "later".to_owned() };
    let mut world = always(answer, 2, u64::MAX);
    let begin = world.now();
    world.settle();
    assert_eq!(world.sequencer().next_due(), Some(begin.plus_ms(7_000)));
    world.clock.advance_ms(6_999);
    world.settle();
    assert_eq!(world.called("trying").len(), 1);
    world.clock.advance_ms(1);
    world.settle();
    assert_eq!(world.called("trying").len(), 2);
}

#[test]
fn after_so_many_attempts_it_is_a_dead_letter() {
    for answer in [retry, trap] {
        let mut world = always(answer, 3, u64::MAX);
        world.settle_all();
        assert_eq!(world.called("trying").len(), 3);
        let (_, letter) = &world.dead("trying")[0];
        assert_eq!(letter.history.total, 3);
        let expected = if answer() == retry() { FailureCause::Retry } else { FailureCause::Trap };
        assert_eq!(letter.history.latest().unwrap().cause, expected);
    }
}

#[test]
fn age_counts_from_the_first_attempt_not_from_the_event() {
    let answer = || Answer::Retry { after_ms: Some(400), reason: "later".to_owned() };
    let mut world = always(answer, u32::MAX, 1_000);
    // The event lies around for longer than that before anybody tries it.
    world.clock.advance_ms(5_000);
    world.settle_all();
    // At 0, 400, 800 and 1,200 ms after the first attempt; the last one is too old.
    assert_eq!(world.called("trying").len(), 4);
    assert_eq!(world.dead("trying").len(), 1);
}

#[test]
fn attempt_count_and_due_time_survive_a_crash() {
    let answer = || Answer::Retry { after_ms: Some(1_000), reason: "later".to_owned() };
    for flushes in [false, true] {
        let mut world = always(answer, 3, u64::MAX);
        let begin = world.now();
        for round in 1..3 {
            world.settle();
            if flushes {
                world.flush();
            }
            world.crash();
            world.restart();
            world.settle();
            assert_eq!(world.called("trying").len(), round, "it is not tried before it is due");
            assert_eq!(world.sequencer().next_due(), Some(begin.plus_ms(1_000 * round as u64)));
            world.clock.advance_ms(1_000);
        }
        world.settle();
        let attempts: Vec<u32> = world.calls.borrow().iter().map(|call| call.attempt).collect();
        assert_eq!(attempts, [1, 2, 3]);
        assert_eq!(world.dead("trying").len(), 1);
    }
}

#[test]
fn a_worker_whose_clock_is_behind_loses_no_retry() {
    let mut world = World::new();
    world.attach(
        spec("trying", &["thing.*"]),
        |_, attempt| if attempt.attempt() < 2 { retry() } else { done() },
    );
    world.put("a", "k");
    world.settle();
    let due = world.sequencer().next_due().unwrap();
    world.sequencer().tick(due).unwrap();
    // A worker read the clock before the timekeeper did, and gets the lock after it.
    assert!(world.sequencer().take(Timestamp(due.0 - 1)).unwrap().is_none());
    world.clock.set(due);
    world.settle();
    assert_eq!(world.called("trying").len(), 2);
    assert_eq!(world.standing("trying").retrying, 0);
}

#[test]
fn what_waits_behind_a_retry_follows_without_another_tick() {
    let mut world = World::with(|options| options.batch_events = 1);
    world.attach(spec("trying", &["thing.*"]), |event, attempt| {
        if event.id == "0" && attempt.attempt() < 2 { retry() } else { note(event, attempt) }
    });
    world.put_range(0..4, "k");
    world.settle();
    let due = world.sequencer().next_due().unwrap();
    world.clock.set(due);
    world.tick();
    while world.step().is_some() {}
    assert_eq!(world.state("trying")["k"], "0 1 2 3");
}
