//! Calls of one key are made one after another, in log order; those of different partitions side by side.

use super::{LEAST, MOST, deliver, world};
use crate::promises::harness::{InFlight, key_in, retry, sink};

#[test]
fn the_next_event_of_a_key_waits_for_the_end_of_the_call_before_it() {
    for delivery in [LEAST, MOST] {
        let mut world = world(delivery);
        world.put_range(0..3, "k");
        deliver(&mut world);
        for _ in 0..3 {
            let call = world.launch().unwrap();
            world.sync();
            assert!(world.launch().is_none(), "{delivery:?}: also when the event counts as done");
            world.land(call);
            world.sync();
        }
        assert_eq!(world.state("mailer")["k"], "0 1 2");
    }
}

#[test]
fn calls_of_different_partitions_end_in_any_order() {
    for delivery in [LEAST, MOST] {
        let mut world = world(delivery);
        for round in 0..3 {
            for partition in 0..4 {
                world.put(&format!("{partition}-{round}"), &key_in(partition));
            }
        }
        deliver(&mut world);
        while let Some(call) = world.launch() {
            let mut calls: Vec<InFlight> = vec![call];
            calls.extend(std::iter::from_fn(|| world.launch()));
            assert_eq!(calls.len(), 4);
            world.sync();
            calls.into_iter().rev().for_each(|call| _ = world.land(call));
            world.sync();
        }
        for partition in 0..4 {
            let expected = format!("{partition}-0 {partition}-1 {partition}-2");
            assert_eq!(world.state("mailer")[&key_in(partition)], expected);
        }
    }
}

#[test]
fn what_is_behind_a_call_that_is_retried_waits_and_other_keys_go_on() {
    let mut world = world(LEAST);
    world.attach(sink("mailer", &["thing.*"], LEAST), |event, attempt| {
        if event.id == "0" && camshaft_event::AttemptContext::attempt(attempt) < 3 {
            return retry();
        }
        crate::promises::harness::note(event, attempt)
    });
    world.put_range(0..3, &key_in(0));
    world.put("apart", &key_in(1));
    world.settle();
    assert_eq!(world.called("mailer"), ["0", "apart"], "the retry is not due yet");
    assert_eq!(world.standing("mailer").held, 2);
    world.settle_all();
    assert_eq!(world.state("mailer")[&key_in(0)], "0 1 2");
    assert_eq!(world.called("mailer"), ["0", "apart", "0", "0", "1", "2"]);
}
