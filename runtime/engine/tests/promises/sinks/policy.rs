//! Pause, circuit breaker, rate limit and exhaustion are the same for sinks as for others.

use camshaft_event::{Breaker, FailureCause, Rate};

use super::{LEAST, MOST, World, deliver, sink, world};
use crate::promises::harness::{done, key_in, note, retry};

#[test]
fn a_paused_sink_makes_no_call_and_one_under_way_finishes() {
    for delivery in [LEAST, MOST] {
        let mut world = world(delivery);
        world.put_range(0..2, "k");
        deliver(&mut world);
        let call = world.launch().unwrap();
        world.sync();
        let now = world.now();
        world.sequencer().pause("mailer", now).unwrap();
        world.land(call);
        world.settle();
        assert_eq!(world.called("mailer"), ["0"]);
        world.sequencer().resume("mailer", now).unwrap();
        world.settle();
        assert_eq!(world.state("mailer")["k"], "0 1");
    }
}

#[test]
fn attempts_and_age_end_in_a_dead_letter() {
    let mut world = World::new();
    let mut declared = sink("mailer", &["thing.*"], LEAST);
    declared.policy.max_attempts = 3;
    world.attach(declared, |_, _| retry());
    world.put("0", "k");
    world.settle_all();
    assert_eq!(world.called("mailer").len(), 3);
    let dead = world.dead("mailer");
    assert_eq!(dead[0].1.history.latest().unwrap().cause, FailureCause::Retry);
}

#[test]
fn a_breaker_opens_on_failed_calls_and_tries_one_at_a_time() {
    let breaker = Breaker { failure_percent: 50, attempts: 4, pause_ms: 1_000, max_pause_ms: 1_000 };
    for (delivery, heals) in [(LEAST, 4), (MOST, 4)] {
        let mut world = World::new();
        let mut declared = sink("mailer", &["thing.*"], delivery);
        declared.policy.breaker = Some(breaker);
        let mut calls = 0;
        world.attach(declared, move |event, attempt| {
            calls += 1;
            if calls <= heals { retry() } else { note(event, attempt) }
        });
        for partition in 0..4 {
            world.put(&format!("a{partition}"), &key_in(partition));
        }
        world.settle();
        for number in 0..8 {
            world.put(&format!("b{number}"), &format!("own{number}"));
        }
        world.settle();
        assert_eq!(world.called("mailer").len(), 4, "{delivery:?}: then it is open");
        world.clock.advance_ms(1_000);
        world.tick();
        while world.read() {}
        let trial = world.launch().unwrap();
        world.sync();
        assert!(world.launch().is_none(), "one at a time on trial");
        world.land(trial);
        world.sync();
        assert!(world.standing("mailer").pauses.is_empty(), "{delivery:?}: a success closes it");
        world.settle_all();
        let dead = world.standing("mailer").dead;
        assert_eq!(dead, if delivery == MOST { 4 } else { 0 });
    }
}

#[test]
fn a_rate_limit_counts_calls() {
    for delivery in [LEAST, MOST] {
        let mut world = World::new();
        let mut declared = sink("mailer", &["thing.*"], delivery);
        declared.policy.rate = Some(Rate { events: 2, per_ms: 1_000 });
        world.attach(declared, |_, _| done());
        world.put_apart(0..10);
        world.settle();
        assert_eq!(world.called("mailer").len(), 2, "{delivery:?}");
        world.clock.advance_ms(500);
        world.settle();
        assert_eq!(world.called("mailer").len(), 3, "{delivery:?}");
    }
}
