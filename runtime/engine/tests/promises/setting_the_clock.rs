//! A wall clock that is set, by an hour or by less than a second, makes no wait longer or shorter. Timers
//! follow it.

use std::cell::Cell;
use std::rc::Rc;

use camshaft_engine::WaitsFor;
use camshaft_event::{Answer, NewEvent, Offset, Rate, Timestamp};

use super::harness::{World, done, note, reject, spec};

/// By how many milliseconds the clock is set.
const JUMPS_MS: [i64; 6] = [-3_600_000, -999, -1, 1, 999, 3_600_000];

const WAIT_MS: u64 = 1_000;

/// A world whose consumer fails once and wants to be tried again after a second.
fn trying() -> World {
    let mut world = World::with(|options| options.batch_events = 1);
    world.clock.advance_ms(10_000_000);
    let is_first = Cell::new(true);
    world.attach(spec("trying", &["thing.*"]), move |event, attempt| {
        if is_first.replace(false) {
            Answer::Retry { after_ms: Some(WAIT_MS), reason: "later".into() }
        } else {
            note(event, attempt)
        }
    });
    // It follows before the log grows behind it.
    assert!(!world.read());
    world.put("a", "k");
    world
}

/// How many milliseconds pass until the consumer's handler is called for the second time.
fn waited_ms(world: &mut World, name: &str) -> u64 {
    for ms in 0..=2 * WAIT_MS {
        world.settle();
        if world.called(name).len() > 1 {
            return ms;
        }
        world.clock.advance_ms(1);
    }
    panic!("it waits for longer than twice as long");
}

#[test]
fn a_retry_waits_as_long_as_it_should() {
    for jump_ms in JUMPS_MS {
        let mut world = trying();
        world.settle();
        world.clock.jump_ms(jump_ms);
        let due = world.now().plus_ms(WAIT_MS);
        let held = world.standing("trying").oldest_held.unwrap();
        assert_eq!(held.waits_for, WaitsFor::Retry { due }, "it is shown as the clock will show it");
        assert_eq!(world.sequencer().next_due(), Some(due));
        assert_eq!(waited_ms(&mut world, "trying"), WAIT_MS, "the clock was set by {jump_ms} ms");
    }
}

#[test]
fn so_does_one_whose_attempt_is_under_way_when_the_clock_is_set() {
    for jump_ms in JUMPS_MS {
        for is_seen in [false, true] {
            let mut world = trying();
            let batch = world.take().unwrap();
            let finished = world.run(batch);
            world.clock.jump_ms(jump_ms);
            if is_seen {
                world.tick();
            }
            world.commit(finished);
            assert_eq!(waited_ms(&mut world, "trying"), WAIT_MS, "the clock was set by {jump_ms} ms");
        }
    }
}

#[test]
fn so_does_one_whose_attempt_begins_after_the_clock_was_set() {
    for jump_ms in JUMPS_MS {
        let mut world = trying();
        world.tick();
        world.clock.jump_ms(jump_ms);
        world.settle();
        assert_eq!(waited_ms(&mut world, "trying"), WAIT_MS, "the clock was set by {jump_ms} ms");
    }
}

#[test]
fn a_redrive_runs_at_once() {
    for jump_ms in JUMPS_MS {
        let mut world = World::new();
        world.clock.advance_ms(10_000_000);
        let is_good = Rc::new(Cell::new(false));
        let mood = Rc::clone(&is_good);
        world.attach(
            spec("choosy", &["thing.*"]),
            move |event, attempt| {
                if mood.get() { note(event, attempt) } else { reject() }
            },
        );
        world.put("a", "k");
        world.settle();
        is_good.set(true);
        world.clock.jump_ms(jump_ms);
        let now = world.now();
        let offset = world.dead("choosy").first().map_or(Offset(u64::MAX), |(offset, _)| *offset);
        world.sequencer().redrive("choosy", offset, now).unwrap();
        assert_eq!(waited_ms(&mut world, "choosy"), 0);
    }
}

#[test]
fn a_rate_limit_lets_no_more_through_and_no_less() {
    for jump_ms in JUMPS_MS {
        let mut world = World::new();
        world.clock.advance_ms(10_000_000);
        let mut limited = spec("limited", &["thing.*"]);
        limited.policy.rate = Some(Rate { events: 1, per_ms: WAIT_MS });
        world.attach(limited, note);
        world.put_apart(0..9);
        world.settle();
        world.clock.jump_ms(jump_ms);
        assert_eq!(waited_ms(&mut world, "limited"), WAIT_MS, "the clock was set by {jump_ms} ms");
    }
}

#[test]
fn the_timekeepers_alarm_is_moved_for_what_becomes_due_after_the_clock_was_set_ahead() {
    let mut world = trying();
    let batch = world.take().unwrap();
    let finished = world.run(batch);
    world.tick();
    assert!(!world.sequencer().moves_alarm(), "nothing is due");
    world.clock.jump_ms(3_600_000);
    world.commit(finished);
    assert!(world.sequencer().moves_alarm());
    let now = world.now();
    assert_eq!(world.sequencer().idle_ms(now), Some(WAIT_MS));
    assert!(!world.sequencer().moves_alarm(), "it is said once");
    world.tick();
    assert!(!world.sequencer().moves_alarm(), "the timekeeper knows by itself");
}

#[test]
fn a_timer_fires_when_the_wall_clock_shows_its_time() {
    for jump_ms in [-3_600_000, 0, 3_600_000] {
        let mut world = World::new();
        world.clock.advance_ms(10_000_000);
        let at = Timestamp(world.now().0 + 4_000_000);
        world.attach(spec("timing", &["thing.*"]), move |_, attempt| {
            let reminder = NewEvent { event_type: "reminder".into(), ..NewEvent::default() };
            camshaft_event::AttemptContext::schedule(attempt, "t", reminder, at).unwrap();
            done()
        });
        world.put("a", "k");
        world.settle();
        world.clock.jump_ms(jump_ms);
        world.tick();
        assert_eq!(world.sequencer().next_due(), Some(at));
        world.clock.set(Timestamp(at.0 - 1));
        world.settle();
        assert_eq!(world.standing("timing").timers, 1);
        world.clock.set(at);
        world.settle();
        assert_eq!(world.standing("timing").timers, 0);
    }
}

#[test]
fn a_clock_that_was_set_back_between_two_processes_makes_no_wait_longer() {
    for redrives in [false, true] {
        let mut world = trying();
        world.settle();
        if redrives {
            let now = world.now();
            world.sequencer().set_held_aside("trying", Offset(1), now).unwrap();
            world.sequencer().redrive("trying", Offset(1), now).unwrap();
        }
        world.sync();
        world.crash();
        world.clock.jump_ms(-3_600_000);
        world.restart();
        assert_eq!(waited_ms(&mut world, "trying"), if redrives { 0 } else { WAIT_MS });
    }
}
