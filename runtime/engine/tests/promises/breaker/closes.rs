//! Without a successful trial, an open breaker closes at a restart, a take-over by other code, an operator's
//! resume or reset, and a detachment. A pause by hand remains.

use camshaft_engine::{ResetPlace, ResetTo};

use super::{announced, attach, breaker, fragile, opened, world_in};
use crate::promises::harness::{done, retry};

#[test]
fn a_restart_begins_closed() {
    let (mut world, mood) = opened();
    world.sync();
    world.crash();
    world.restart();
    assert_eq!(breaker(&world), None);
    mood.set(done);
    world.settle_all();
    assert_eq!(world.state("fragile").len(), 10);
}

#[test]
fn other_code_begins_closed_and_is_not_blamed_for_the_old_one() {
    let (mut world, mood) = world_in(retry);
    world.put_apart(0..3);
    world.settle();
    world.put_apart(3..20);
    let batches: Vec<_> = std::iter::from_fn(|| world.take()).collect();
    assert!(batches.len() > 1);
    let mut newer = fragile();
    newer.digest = "newer".to_owned();
    attach(&mut world, newer.clone(), &mood);
    for batch in batches {
        let finished = world.run(batch);
        world.commit(finished);
    }
    assert_eq!(breaker(&world), None, "these were attempts of the old code");
    world.settle();
    assert_eq!(breaker(&world), None, "nothing counts while it is on probation");
    world.clock.advance_ms(60_000);
    world.settle();
    assert!(breaker(&world).is_some());
    mood.set(done);
    newer.digest = "mended".to_owned();
    attach(&mut world, newer, &mood);
    assert_eq!((breaker(&world), announced(&mut world).len()), (None, 2), "that it is closed again is said");
    world.settle_all();
    assert_eq!(world.state("fragile").len(), 20);
}

#[test]
fn resuming_by_hand_closes_it() {
    let (mut world, mood) = opened();
    mood.set(done);
    let now = world.now();
    let sequence = world.sequencer().resume("fragile", now).unwrap();
    assert_eq!((breaker(&world), world.sequencer().sequenced().sequence), (None, sequence));
    world.settle_all();
    assert_eq!(world.state("fragile").len(), 10);
    assert_eq!(announced(&mut world).len(), 2);
}

#[test]
fn paused_by_hand_meanwhile_it_stays_so() {
    let (mut world, mood) = opened();
    let now = world.now();
    world.sequencer().pause("fragile", now).unwrap();
    let reasons: Vec<&str> = world.standing("fragile").pauses.iter().map(|pause| pause.reason()).collect();
    assert_eq!(reasons, ["operator", "breaker"]);
    mood.set(done);
    world.clock.advance_ms(100_000);
    assert_eq!(world.tick(), None);
    world.settle_all();
    assert_eq!(world.called("fragile").len(), 4);
    let now = world.now();
    world.sequencer().resume("fragile", now).unwrap();
    world.settle_all();
    assert_eq!(world.state("fragile").len(), 10);
}

#[test]
fn a_reset_closes_it_and_says_so() {
    let (mut world, mood) = opened();
    mood.set(done);
    let now = world.now();
    world
        .sequencer()
        .reset("fragile", ResetTo { place: ResetPlace::Earliest, keep_state: false }, now)
        .unwrap();
    assert_eq!(breaker(&world), None);
    world.settle_all();
    assert_eq!(world.state("fragile").len(), 10);
    let told = announced(&mut world);
    assert_eq!(told.last().unwrap(), "camshaft.consumer.resumed breaker", "{told:?}");
}

#[test]
fn detached_and_back_it_begins_closed() {
    let (mut world, mood) = opened();
    world.detach("fragile");
    world.clock.advance_ms(10_000);
    assert_eq!(world.tick(), None, "no code is attached");
    mood.set(done);
    attach(&mut world, fragile(), &mood);
    world.settle_all();
    assert_eq!(world.state("fragile").len(), 10);
}

#[test]
fn with_its_consumer_it_is_gone() {
    let (mut world, mood) = opened();
    world.detach("fragile");
    let now = world.now();
    world.sequencer().remove("fragile", now).unwrap();
    mood.set(done);
    attach(&mut world, fragile(), &mood);
    world.settle_all();
    assert_eq!(world.state("fragile").len(), 10);
    let resumed = announced(&mut world).into_iter().filter(|told| told.contains("resumed"));
    assert_eq!(resumed.count(), 0, "the removal was the end of it");
}
