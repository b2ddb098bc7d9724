//! A consumer that was detached for longer than the log keeps events resumes at the first retained event,
//! handles none twice, and the gap is announced once.

use camshaft_event::{Event, Offset};

use super::harness::{World, event, key_in, note, spec};
use super::lifecycle::types;

/// Publishes and flushes until the log has trimmed its first record.
fn trim_begin(world: &mut World) {
    while world.sequencer().first_offset() == Offset(0) {
        let next = world.sequencer().sequenced().next_offset;
        let filler = event(&format!("filler {next}"), "filler");
        world.publish(vec![Event { data: vec![0; 15_000], event_type: "filler".into(), ..filler }]);
        world.settle();
        world.flush();
        world.trim();
    }
}

#[test]
fn one_that_was_away_too_long_goes_on_at_the_first_retained_event_and_the_gap_is_named() {
    for crashes in [false, true] {
        let mut world = World::with(|options| options.detached_retention_ms = 1_000);
        world.attach(spec("one", &["thing.*"]), note);
        world.put("0", "k");
        world.settle();
        world.detach("one");
        let missed_from = world.standing("one").checkpoint;
        world.put("missed", "k");
        world.clock.advance_ms(2_000);
        trim_begin(&mut world);
        world.put("1", "k");
        world.settle();
        if crashes {
            world.crash();
            world.recover();
        }
        let first = world.sequencer().first_offset();
        world.attach(spec("one", &["thing.*"]), note);
        world.settle();
        assert_eq!(world.state("one")["k"], "0 1");
        let events = world.all_events();
        let gap = events.iter().find(|event| event.event_type == "camshaft.consumer.gap").unwrap();
        let data: serde_json::Value = serde_json::from_slice(&gap.data).unwrap();
        assert_eq!(
            (data["missed_from"].as_u64(), data["missed_until"].as_u64()),
            (Some(missed_from.0), Some(first.0))
        );
        // It is named once.
        world.crash();
        world.restart();
        world.settle();
        assert_eq!(world.state("one")["k"], "0 1");
        assert_eq!(types(&mut world).iter().filter(|name| *name == "camshaft.consumer.gap").count(), 1);
    }
}

#[test]
fn what_was_routed_before_a_long_absence_is_read_again_or_missed_but_never_doubled() {
    let mut world = World::with(|options| options.detached_retention_ms = 1_000);
    world.attach(spec("one", &["thing.*"]), note);
    world.settle();
    let mut offsets = Vec::new();
    for id in 0..30 {
        let large = Event { data: vec![0; 15_000], ..event(&id.to_string(), "k") };
        offsets.push(world.publish(vec![large]).receipts[0].offset);
        world.sync();
    }
    world.detach("one");
    world.clock.advance_ms(2_000);
    trim_begin(&mut world);
    let first = world.sequencer().first_offset();
    assert!(first > offsets[0] && first < offsets[29]);
    world.attach(spec("one", &["thing.*"]), note);
    world.settle();
    let retained = offsets.iter().enumerate().filter(|(_, offset)| **offset >= first);
    let expected: Vec<String> = retained.map(|(id, _)| id.to_string()).collect();
    assert_eq!(world.state("one")["k"], expected.join(" "));
}

#[test]
fn a_gap_repeats_nothing_that_a_partition_has_handled_behind_it() {
    // One partition stands far behind the other, and the log is trimmed to between them.
    let mut world = World::with(|options| {
        options.detached_retention_ms = 1_000;
        options.batch_events = 1;
    });
    let mut two = spec("one", &["thing.*"]);
    two.policy.partitions = 2;
    world.attach(two.clone(), note);
    let (slow, fast) = (&*key_in(0), &*key_in(1));
    world.put("slow", slow);
    for id in 0..30 {
        let filled = event(&id.to_string(), fast);
        world.publish(vec![Event { data: vec![0; 15_000], ..filled }]);
        world.sync();
        world.read();
    }
    // The slow one's event stays in hand all the time.
    let in_hand = std::iter::from_fn(|| world.take()).collect::<Vec<_>>();
    for batch in in_hand {
        let finished = world.run(batch);
        if world.called("one").last().unwrap() != "slow" {
            world.commit(finished);
        }
    }
    while world.standing("one").in_flight == 1 && world.step().is_some() {
        world.sync();
        world.read();
    }
    assert_eq!(world.state("one")[fast].split(' ').count(), 30);
    assert_eq!(world.state("one").get(slow), None);
    world.sync();
    world.detach("one");
    world.flush();
    world.crash();
    world.recover();
    world.clock.advance_ms(2_000);
    trim_begin(&mut world);
    let first = world.sequencer().first_offset();
    assert!(first > Offset(1) && first < Offset(25), "{first}");
    world.attach(two, note);
    world.settle();
    let handled = world.state("one");
    assert_eq!(handled[fast].split(' ').count(), 30, "none twice");
    world.flush();
    world.crash();
    world.restart();
    world.settle();
    assert_eq!(world.state("one"), handled);
}
