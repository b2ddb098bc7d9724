//! A version that does no worse stays. What it failed meanwhile runs again, counted from then on, in the
//! order of keys.

use camshaft_engine::VerdictOutcome;
use camshaft_event::ActivationId;

use super::{
    PROBATION_MS, announced, attach, ended, measured, probation, rejecting, replaced, running, verdicts,
};
use crate::promises::harness::{World, done, reject, trap};

#[test]
fn after_so_many_events() {
    let mut world = World::new();
    attach(&mut world, "a", reject());
    world.settle();
    attach(&mut world, "c", reject());
    world.put_apart(0..999);
    world.settle();
    assert_eq!(measured(&world), (999, 0));
    world.put_apart(999..1_000);
    world.settle();
    assert_eq!((probation(&world), running(&world).as_str()), (None, "c"));
    assert_eq!(verdicts(&world), [VerdictOutcome::Accepted]);
    let expected = serde_json::json!({
        "consumer": "one", "activation": 2,
        "measured": { "events": 1_000, "failed": 0 }, "before": { "events": 0, "failed": 0 },
    });
    assert_eq!(announced(&mut world, "camshaft.plugin.accepted"), [expected]);
}

#[test]
fn after_so_long_and_what_failed_is_tried_under_the_normal_policy() {
    for (bad, dead) in [(reject(), true), (trap(), false)] {
        let mut world = replaced(bad);
        world.put_apart(0..1);
        world.settle();
        world.clock.advance_ms(PROBATION_MS - 1);
        world.settle();
        assert_eq!((measured(&world), ended(&world).1), ((1, 1), (0, 1, 0)), "too few to tell");
        assert_eq!(world.called("one").len(), 1, "it waits for the end");
        world.clock.advance_ms(1);
        world.settle();
        assert_eq!((probation(&world), running(&world).as_str()), (None, "b"));
        assert_eq!(ended(&world).1, if dead { (0, 0, 1) } else { (0, 1, 0) });
        let calls = world.calls.borrow();
        assert!(calls.iter().all(|call| call.attempt == 1), "what failed on probation was no attempt");
        assert_eq!(calls.len(), 2);
    }
}

#[test]
fn a_probation_under_way_tells_how_it_does() {
    let mut world = rejecting();
    let since = world.now();
    world.clock.advance_ms(5);
    world.put_apart(0..3);
    world.settle();
    let state = probation(&world).unwrap();
    assert_eq!((state.activation, state.predecessor), (ActivationId(2), ActivationId(1)));
    assert_eq!((state.since, state.until), (since, Some(since.plus_ms(PROBATION_MS))));
    assert_eq!((measured(&world), state.before.events, state.waiting), ((3, 3), 20, 3));
    assert!(!state.is_stopped);
}

#[test]
fn the_code_before_is_kept_until_then() {
    let mut world = rejecting();
    let code = |digest: &str| super::version(digest).code;
    assert_eq!(world.sequencer().codes("one"), [code("b"), code("a")]);
    world.clock.advance_ms(PROBATION_MS);
    world.settle();
    assert_eq!(world.sequencer().codes("one"), [code("b")]);
    attach(&mut world, "c", done());
    assert_eq!(world.sequencer().codes("one"), [code("c"), code("b")]);
    world.detach("one");
    assert!(world.sequencer().codes("one").is_empty());
}

#[test]
fn a_clock_that_is_set_back_does_not_make_it_longer() {
    let mut world = rejecting();
    world.tick();
    world.clock.set(camshaft_event::Timestamp(1_000));
    world.tick();
    assert_eq!(probation(&world).unwrap().until, Some(world.now().plus_ms(PROBATION_MS)));
    world.settle_all();
    assert_eq!(probation(&world), None);
}
