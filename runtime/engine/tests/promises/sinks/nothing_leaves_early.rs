//! Nothing leaves before it is durable: a call waits for all that its handler can see.

use camshaft_event::{AttemptContext, Sequence};

use super::{LEAST, MOST, World, deliver, sink, world};
use crate::promises::harness::{done, retry, spec};

#[test]
fn a_call_waits_until_its_event_is_durable() {
    for delivery in [LEAST, MOST] {
        let mut world = world(delivery);
        let published = world.put("1", "k");
        let sequence = world.sequencer().sequenced().sequence;
        let call = world.launch().unwrap();
        assert!(call.after >= sequence, "the event at {published} is durable by then");
        assert!(world.sequencer().durable().sequence < call.after);
        world.sync();
        world.land(call);
        assert_eq!(world.called("mailer"), ["1"]);
    }
}

#[test]
fn a_call_waits_until_what_the_sink_did_before_is_durable() {
    let mut world = World::new();
    world.attach(sink("mailer", &["thing.*"], LEAST), |event, attempt| {
        // What the first call leaves behind, a state and a retry, is what the second one sees.
        let is_repeated = attempt.attempt() > 1;
        attempt.set(b"last", event.id.as_bytes()).unwrap();
        if event.id == "1" && !is_repeated { retry() } else { done() }
    });
    world.put("0", "k");
    deliver(&mut world);
    world.step_call().unwrap();
    let written = world.sequencer().sequenced().sequence;
    world.put("1", "k");
    let call = world.launch().unwrap();
    assert!(call.after >= written, "the state that it reads");
    world.sync();
    world.land(call);
    let failed = world.sequencer().sequenced().sequence;
    world.clock.advance_ms(100);
    world.tick();
    let call = world.launch().unwrap();
    assert!(call.after >= failed, "that it is the second attempt");
}

#[test]
fn at_most_once_the_completion_is_durable_before_the_call() {
    let mut world = world(MOST);
    world.put("1", "k");
    deliver(&mut world);
    let before = world.sequencer().durable().sequence;
    let call = world.launch().unwrap();
    assert_eq!(call.after, Sequence(before.0 + 1), "a transaction of its own");
    assert_eq!(world.standing("mailer").lag, 0, "which says that the event is done");
    assert_eq!(world.standing("mailer").in_flight, 1, "though it is under way");
}

#[test]
fn what_other_handlers_publish_reaches_a_sink_only_once_it_is_durable() {
    let mut world = world(LEAST);
    world.attach(spec("shop", &["thing.*"]), |_, attempt| {
        crate::promises::harness::publish("thing2.happened", attempt);
        done()
    });
    world.attach(sink("second", &["thing2.*"], LEAST), |_, _| done());
    world.settle();
    world.put("1", "k");
    deliver(&mut world);
    while world.step().is_none() {
        world.read();
    }
    let committed = world.sequencer().sequenced().sequence;
    let calls: Vec<_> = std::iter::from_fn(|| world.launch()).collect();
    assert_eq!(calls.len(), 2);
    assert!(calls.iter().all(|call| call.after >= committed));
}
