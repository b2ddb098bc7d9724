//! Stuck work is visible: since when the oldest event waits, under which key, and for what.

use camshaft_engine::{ConsumerSpec, Pause, Unhandled, WaitsFor};
use camshaft_event::{Answer, AttemptContext, Breaker, Event, Key, Offset, Rate, Timestamp};

use super::harness::{World, done, event, key_in, reject, retry, spec};

const WAIT_MS: u64 = 500;

fn plain() -> ConsumerSpec {
    spec("one", &["thing.*"])
}

/// A world with one consumer that retries and rejects what is called so.
fn world_of(spec: ConsumerSpec) -> World {
    let mut world = World::new();
    attach(&mut world, spec);
    world.settle();
    world
}

fn attach(world: &mut World, spec: ConsumerSpec) {
    world.attach(spec, |event: &Event, _| match event.id.as_str() {
        id if id.starts_with("retry") => {
            Answer::Retry { after_ms: Some(WAIT_MS), reason: "not now".to_owned() }
        }
        id if id.starts_with("dead") => reject(),
        _ => done(),
    });
}

fn oldest(world: &World) -> Option<Unhandled> {
    world.standing("one").oldest
}

fn waits_for(world: &World) -> Option<WaitsFor> {
    world.standing("one").oldest_held.map(|held| held.waits_for)
}

fn at(offset: Offset, at: Timestamp) -> Unhandled {
    Unhandled { offset, sequenced_at: Some(at) }
}

#[test]
fn nothing_is_old_where_everything_is_handled() {
    let mut world = world_of(plain());
    world.put_range(0..3, "k");
    world.settle();
    assert_eq!((oldest(&world), world.standing("one").oldest_held), (None, None));
}

#[test]
fn the_time_of_an_event_is_that_at_which_it_was_sequenced_wherever_it_waits() {
    let mut world = world_of(plain());
    let begin = world.now();
    let first = world.publish(vec![Event { time: None, ..event("retry", "k") }]).receipts[0].offset;
    assert_eq!(oldest(&world), Some(at(first, begin)), "routed");
    world.clock.advance_ms(10);
    let batch = world.take().unwrap();
    world.put("other", "other");
    assert_eq!(oldest(&world), Some(at(first, begin)), "in hand");
    let finished = world.run(batch);
    world.commit(finished);
    world.clock.advance_ms(10);
    world.settle();
    assert_eq!(oldest(&world), Some(at(first, begin)), "held");
    world.kill();
    world.restart();
    assert_eq!(oldest(&world), Some(at(first, begin)), "held over a restart");
}

#[test]
fn the_time_outlasts_a_death_and_a_redrive() {
    let mut world = world_of(plain());
    let begin = world.now();
    let offset = world.put("dead", "k");
    world.settle();
    assert_eq!(oldest(&world), None, "a dead letter is no work");
    world.clock.advance_ms(50);
    let now = world.now();
    world.sequencer().pause("one", now).unwrap();
    world.sequencer().redrive("one", offset, now).unwrap();
    assert_eq!(oldest(&world), Some(at(offset, begin)));
}

#[test]
fn what_lies_in_the_log_only_is_old_too_though_only_the_log_knows_since_when() {
    let mut world = World::with(|options| options.window_events = 2);
    attach(&mut world, plain());
    world.settle();
    let begin = world.now();
    let now = world.now();
    world.sequencer().pause("one", now).unwrap();
    let offset = world.put("1", "k");
    assert_eq!(oldest(&world), Some(Unhandled { offset, sequenced_at: None }));
    world.sync();
    world.clock.advance_ms(10);
    let now = world.now();
    world.sequencer().resume("one", now).unwrap();
    world.read();
    assert_eq!(oldest(&world), Some(at(offset, begin)), "once it is read");
}

#[test]
fn what_is_read_from_the_log_bears_the_time_of_its_record() {
    let mut world = World::new();
    let begin = world.now();
    let offset = world.put("1", "k");
    world.sync();
    world.clock.advance_ms(10);
    attach(&mut world, plain());
    while world.read() {}
    assert_eq!(oldest(&world), Some(at(offset, begin)));
}

#[test]
fn the_oldest_key_is_that_of_the_oldest_event_that_waits() {
    let mut world = world_of(plain());
    let begin = world.now();
    let first = world.put("retry 1", "k");
    world.put("retry 2", "l");
    world.put("behind", "k");
    world.settle();
    let held = world.standing("one").oldest_held.unwrap();
    assert_eq!((held.key, held.first, held.events), (Key::Ordered("k".into()), at(first, begin), 2));
    assert_eq!(held.waits_for, WaitsFor::Retry { due: begin.plus_ms(WAIT_MS) });
}

#[test]
fn a_parked_key_waits_for_the_dead_letter_before_it_whatever_else_there_is() {
    let mut world = world_of(plain());
    let dead = world.put("dead", "k");
    world.put("behind", "k");
    world.settle();
    assert_eq!(waits_for(&world), Some(WaitsFor::DeadLetter { offset: dead }));
    let now = world.now();
    world.sequencer().pause("one", now).unwrap();
    assert_eq!(waits_for(&world), Some(WaitsFor::DeadLetter { offset: dead }));
    world.sequencer().discard("one", dead, now).unwrap();
    assert_eq!(waits_for(&world), Some(WaitsFor::Pause(Pause::Operator { since: now })));
}

#[test]
fn a_detached_consumers_keys_wait_for_code() {
    let mut world = world_of(plain());
    world.put("retry", "k");
    world.settle();
    world.detach("one");
    assert_eq!(waits_for(&world), Some(WaitsFor::Code));
}

#[test]
fn an_open_circuit_is_a_pause_and_a_trial_is_a_turn() {
    let mut declared = plain();
    declared.policy.breaker =
        Some(Breaker { failure_percent: 100, attempts: 1, pause_ms: 2_000, max_pause_ms: 2_000 });
    let mut world = world_of(declared);
    world.put("retry", "k");
    world.settle();
    let until = world.now().plus_ms(2_000);
    assert_eq!(waits_for(&world), Some(WaitsFor::Pause(Pause::Breaker { until })));
    world.clock.set(until);
    world.tick();
    assert_eq!(waits_for(&world), Some(WaitsFor::Turn));
}

#[test]
fn what_is_due_waits_for_the_rate_limit_or_for_its_turn() {
    let mut declared = plain();
    declared.policy.rate = Some(Rate { events: 1, per_ms: 300 });
    let mut world = world_of(declared);
    let begin = world.now();
    world.put("retry", "k");
    world.put("takes a token", "l");
    world.settle();
    assert_eq!(waits_for(&world), Some(WaitsFor::Retry { due: begin.plus_ms(WAIT_MS) }));
    world.clock.set(begin.plus_ms(300));
    world.settle();
    assert_eq!(waits_for(&world), Some(WaitsFor::Rate { until: begin.plus_ms(600) }));
    world.clock.set(begin.plus_ms(600));
    world.tick();
    assert_eq!(waits_for(&world), Some(WaitsFor::Turn));
    let batch = world.take().unwrap();
    assert_eq!(waits_for(&world), Some(WaitsFor::Attempt), "the next token is no matter of what is in hand");
    let finished = world.run(batch);
    world.commit(finished);
    assert_eq!(waits_for(&world), Some(WaitsFor::Retry { due: begin.plus_ms(600 + WAIT_MS) }));
}

#[test]
fn the_next_key_is_the_oldest_when_the_first_is_free() {
    let mut world = world_of(plain());
    let dead: Vec<Offset> = (0..3).map(|id| world.put(&format!("dead {id}"), &key_in(id))).collect();
    let behind: Vec<Offset> = (0..3).map(|id| world.put(&format!("behind {id}"), &key_in(id))).collect();
    world.settle();
    for (dead, behind) in dead.into_iter().zip(behind) {
        let held = world.standing("one").oldest_held.unwrap();
        assert_eq!((held.first.offset, held.waits_for), (behind, WaitsFor::DeadLetter { offset: dead }));
        let now = world.now();
        world.sequencer().discard("one", dead, now).unwrap();
        world.settle();
    }
    assert_eq!((oldest(&world), world.standing("one").oldest_held), (None, None));
}

#[test]
fn an_attempt_that_asks_for_another_changes_nothing_of_its_age() {
    let mut world = World::new();
    world.attach(plain(), |_, attempt| if attempt.attempt() < 5 { retry() } else { done() });
    world.settle();
    let begin = world.now();
    let offset = world.put("1", "k");
    for _ in 0..4 {
        world.settle();
        assert_eq!(oldest(&world), Some(at(offset, begin)));
        let due = world.sequencer().next_due().unwrap();
        world.clock.set(due);
    }
    world.settle();
    assert_eq!(oldest(&world), None);
}
