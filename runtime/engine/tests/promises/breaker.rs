//! While a consumer's attempts fail regardless of the event, its circuit breaker stops them, tries single
//! events at intervals, and closes once one succeeds.

mod closes;

use std::cell::Cell;
use std::rc::Rc;

use camshaft_engine::{ConsumerSpec, Pause};
use camshaft_event::{Answer, Breaker, Event, FailureCause, Timestamp};

use super::harness::{World, done, event, key_in, note, reject, retry, spec, trap};

const BREAKER: Breaker = Breaker { failure_percent: 50, attempts: 4, pause_ms: 1_000, max_pause_ms: 3_000 };

/// How the handler is now.
type Mood = Rc<Cell<fn() -> Answer>>;

fn fragile() -> ConsumerSpec {
    let mut declared = spec("fragile", &["thing.*"]);
    declared.policy.breaker = Some(BREAKER);
    declared
}

/// A consumer whose handler answers as its mood is, and notes what it is done with.
fn attach(world: &mut World, declared: ConsumerSpec, mood: &Mood) {
    let mood = Rc::clone(mood);
    world.attach(declared, move |event, attempt| {
        let answer = (mood.get())();
        if answer == done() { note(event, attempt) } else { answer }
    });
}

/// A world in which each batch holds one event.
fn world_in(mood: fn() -> Answer) -> (World, Mood) {
    let mut world = World::with(|options| options.batch_events = 1);
    let mood: Mood = Rc::new(Cell::new(mood));
    attach(&mut world, fragile(), &mood);
    world.settle();
    (world, mood)
}

/// A consumer that has just opened, with events that wait.
fn opened() -> (World, Mood) {
    let (mut world, mood) = world_in(retry);
    world.put_apart(0..10);
    world.settle();
    assert_eq!(world.called("fragile").len(), 4);
    (world, mood)
}

fn breaker(world: &World) -> Option<Timestamp> {
    let pauses = world.standing("fragile").pauses;
    pauses.iter().find_map(|pause| if let Pause::Breaker { until } = pause { Some(*until) } else { None })
}

fn failed(cause: FailureCause) -> Answer {
    Answer::Failed { cause, error: "it failed".to_owned() }
}

/// Goes to the next moment at which something is due, and lets all work that can.
fn wait(world: &mut World) {
    let due = world.sequencer().next_due().unwrap();
    world.clock.set(due);
    world.settle();
}

fn announced(world: &mut World) -> Vec<String> {
    world.sync();
    let told =
        world.all_events().into_iter().filter(|event| event.event_type.starts_with("camshaft.consumer."));
    told.map(|event| {
        let data: serde_json::Value = serde_json::from_slice(&event.data).unwrap();
        assert_eq!((data["consumer"].as_str(), event.subject.as_deref()), (Some("fragile"), Some("fragile")));
        let until = data["until"].as_str().map(|until| format!(" {until}")).unwrap_or_default();
        format!("{} {}{until}", event.event_type, data["reason"].as_str().unwrap_or_default())
    })
    .collect()
}

#[test]
fn while_it_is_open_nothing_is_tried_and_nothing_comes_due_before_its_end() {
    let (mut world, _) = opened();
    let until = world.now().plus_ms(1_000);
    assert_eq!(breaker(&world), Some(until));
    assert_eq!(world.sequencer().next_due(), Some(until), "retries were due within 100 ms");
    world.put_apart(10..20);
    for _ in 0..9 {
        world.clock.advance_ms(111);
        world.settle();
        assert!(world.take().is_none() && !world.sequencer().has_work());
    }
    assert_eq!(world.called("fragile").len(), 4);
    wait(&mut world);
    assert_eq!(world.called("fragile").len(), 5);
}

#[test]
fn each_failed_trial_doubles_the_pause_up_to_the_longest() {
    let (mut world, mood) = opened();
    for (tries, pause_ms) in [(4, 1_000), (5, 2_000), (6, 3_000), (7, 3_000)] {
        assert_eq!(world.called("fragile").len(), tries);
        assert_eq!(breaker(&world), Some(world.now().plus_ms(pause_ms)));
        wait(&mut world);
    }
    mood.set(done);
    world.settle_all();
    assert_eq!((world.state("fragile").len(), breaker(&world)), (10, None));
}

#[test]
fn on_trial_single_events_run_one_at_a_time_until_one_succeeds() {
    let mut world = World::new();
    let mood: Mood = Rc::new(Cell::new(retry));
    attach(&mut world, fragile(), &mood);
    world.put_apart(0..40);
    world.settle();
    let failed = world.called("fragile").len();
    assert!((4..40).contains(&failed), "{failed}");
    mood.set(done);
    let until = breaker(&world).unwrap();
    world.clock.set(until);
    world.tick();
    assert_eq!(breaker(&world), Some(until), "that is in the past now: it is on trial");
    let trial = world.take().unwrap();
    assert_eq!(trial.len(), 1);
    assert!(world.take().is_none(), "one at a time");
    let finished = world.run(trial);
    world.commit(finished);
    assert_eq!(breaker(&world), None);
    assert!(world.take().unwrap().len() > 1);
    world.settle();
}

#[test]
fn everything_is_done_in_order_afterwards() {
    let (mut world, mood) = world_in(retry);
    world.put_range(0..4, "k");
    world.put_apart(10..20);
    world.settle();
    assert!(breaker(&world).is_some());
    world.put_range(4..8, "k");
    mood.set(done);
    world.settle_all();
    assert_eq!(world.state("fragile")["k"], "0 1 2 3 4 5 6 7");
    assert_eq!((world.state("fragile").len(), world.standing("fragile").lag), (11, 0));
}

#[test]
fn every_failure_that_another_attempt_may_cure_counts() {
    let moods: [fn() -> Answer; 5] = [
        retry,
        trap,
        || failed(FailureCause::Deadline),
        || failed(FailureCause::Memory),
        || failed(FailureCause::Panic),
    ];
    for (mood, max_attempts) in moods.into_iter().flat_map(|mood| [(mood, 1), (mood, 9)]) {
        let mut world = World::with(|options| options.batch_events = 1);
        let mut declared = fragile();
        declared.policy.max_attempts = max_attempts;
        attach(&mut world, declared, &Rc::new(Cell::new(mood)));
        world.put_apart(0..10);
        world.settle();
        assert_eq!((world.called("fragile").len(), breaker(&world).is_some()), (4, true), "{:?}", mood());
    }
}

#[test]
fn a_reject_counts_neither_way() {
    let (mut world, mood) = world_in(reject);
    world.put_apart(0..10);
    world.settle();
    assert_eq!((world.called("fragile").len(), breaker(&world)), (10, None));
    // Nor does it dilute the failures, or end a trial.
    for (id, answer) in
        (10..).zip([retry, reject, retry, reject, retry, reject, retry] as [fn() -> Answer; 7])
    {
        assert_eq!(breaker(&world), None);
        mood.set(answer);
        world.put(&id.to_string(), &id.to_string());
        world.settle();
    }
    let until = breaker(&world).unwrap();
    world.put_apart(20..24);
    mood.set(reject);
    wait(&mut world);
    assert_eq!(
        (breaker(&world), world.called("fragile").len()),
        (Some(until), 25),
        "all were tried, one by one"
    );
    mood.set(done);
    world.put("last", "last");
    world.settle();
    assert_eq!(breaker(&world), None);
}

#[test]
fn below_the_share_it_stays_closed() {
    let (mut world, mood) = world_in(done);
    for id in 0..40 {
        mood.set(if id % 4 == 0 { trap } else { done });
        world.put(&id.to_string(), &id.to_string());
        world.settle();
        assert_eq!(breaker(&world), None);
    }
}

#[test]
fn it_is_off_unless_the_policy_has_one_and_concerns_nobody_else() {
    let (mut world, _) = world_in(trap);
    world.attach(spec("plain", &["thing.*"]), |_, _| trap());
    world.attach(spec("well", &["thing.*"]), note);
    world.put_apart(0..40);
    world.settle();
    assert_eq!((world.called("plain").len(), world.called("well").len()), (40, 40));
    assert_eq!(world.called("fragile").len(), 4);
}

#[test]
fn opening_and_closing_are_announced_and_what_happens_on_trial_is_not() {
    let (mut world, mood) = opened();
    (0..3).for_each(|_| wait(&mut world));
    let paused = "camshaft.consumer.paused breaker 1970-01-01T00:16:41.000Z";
    assert_eq!(announced(&mut world), [paused]);
    mood.set(done);
    world.settle_all();
    assert_eq!(announced(&mut world), [paused, "camshaft.consumer.resumed breaker"]);
}

#[test]
fn what_could_not_be_announced_for_want_of_room_is_announced_later() {
    let mut world = World::with_segments(1 << 20, |options| {
        (options.batch_events, options.max_unsynced_bytes) = (1, 64 * 1024);
    });
    let mood: Mood = Rc::new(Cell::new(retry));
    attach(&mut world, fragile(), &mood);
    world.settle();
    (0..4).for_each(|partition| _ = world.put(&partition.to_string(), &key_in(partition)));
    let batches: Vec<_> = std::iter::from_fn(|| world.take()).collect();
    assert_eq!(batches.len(), 4);
    while world.sequencer().check_ready(0).is_ok() {
        let id = world.sequencer().sequenced().sequence.to_string();
        world.publish(vec![Event { data: vec![b'x'; 8_000], ..event(&id, "k") }]);
    }
    for batch in batches {
        let finished = world.run(batch);
        world.commit(finished);
    }
    assert_eq!((breaker(&world).is_some(), announced(&mut world).len()), (true, 0));
    world.settle();
    assert!(announced(&mut world)[0].starts_with("camshaft.consumer.paused breaker"));
}

#[test]
fn batches_in_flight_when_it_opens_finish_and_decide_nothing() {
    let (mut world, mood) = world_in(retry);
    let mut declared = fragile();
    declared.policy.breaker = Some(Breaker { attempts: 2, ..BREAKER });
    attach(&mut world, declared, &mood);
    (0..4).for_each(|partition| _ = world.put(&partition.to_string(), &key_in(partition)));
    let mut batches: Vec<_> = std::iter::from_fn(|| world.take()).collect();
    assert_eq!(batches.len(), 4);
    for batch in batches.drain(..2) {
        let finished = world.run(batch);
        world.commit(finished);
    }
    let until = breaker(&world).unwrap();
    for answer in [done as fn() -> Answer, trap] {
        mood.set(answer);
        world.clock.advance_ms(10);
        let finished = world.run(batches.remove(0));
        world.commit(finished);
        assert_eq!(breaker(&world), Some(until));
    }
    assert_eq!((world.state("fragile").len(), world.standing("fragile").retrying), (1, 3), "they count else");
}

#[test]
fn what_had_begun_before_it_opened_decides_nothing_on_trial_either() {
    let (mut world, mood) = world_in(retry);
    let mut declared = fragile();
    declared.policy.breaker = Some(Breaker { attempts: 1, ..BREAKER });
    attach(&mut world, declared, &mood);
    (0..2).for_each(|partition| _ = world.put(&partition.to_string(), &key_in(partition)));
    let (first, second) = (world.take().unwrap(), world.take().unwrap());
    let finished = world.run(first);
    world.commit(finished);
    let until = breaker(&world).unwrap();
    world.clock.set(until);
    world.tick();
    mood.set(done);
    let finished = world.run(second);
    world.commit(finished);
    assert_eq!(breaker(&world), Some(until));
    world.settle();
    assert_eq!(breaker(&world), None, "the one on trial has decided");
}

#[test]
fn its_lag_stays_in_the_log() {
    let mut world = World::with(|options| (options.batch_events, options.window_events) = (1, 10));
    let mood: Mood = Rc::new(Cell::new(retry));
    attach(&mut world, fragile(), &mood);
    world.put_apart(0..4);
    world.settle();
    world.put_apart(4..60);
    world.sync();
    assert!(!world.sequencer().wants_read() && !world.read());
    mood.set(done);
    world.clock.advance_ms(1_000);
    world.tick();
    assert!(world.sequencer().wants_read() || world.sequencer().has_work());
    world.settle_all();
    assert_eq!(world.state("fragile").len(), 60);
}

#[test]
fn a_clock_that_is_set_back_makes_its_pause_no_longer() {
    let (mut world, mood) = opened();
    mood.set(done);
    world.clock.set(Timestamp(50_000));
    world.settle();
    assert_eq!(breaker(&world), Some(Timestamp(51_000)));
    world.settle_all();
    assert_eq!(world.state("fragile").values().filter(|ids| !ids.is_empty()).count(), 10);
}
