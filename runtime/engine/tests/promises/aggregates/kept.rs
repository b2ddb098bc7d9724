//! Facts outlive the log's retention: they are copied before a trim, and read wherever they are.

use std::sync::Arc;

use camshaft_engine::{Fact, FactCopy, Reading, Retention, RetentionOptions};
use camshaft_event::Event;
use camshaft_log::LogError;

use crate::promises::harness::{World, bank, bracketed, event, move_all, note, spec};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Small, so that a trim has something to remove; it holds the largest transaction of these tests.
const SEGMENT_BYTES: u64 = 128 * 1024;

fn small_segments() -> World {
    let mut world = World::with_segments(SEGMENT_BYTES, |_| {});
    world.attach(bank(), move_all);
    world
}

/// Facts about account 1 and a snapshot of them, in a log of several segments.
fn some_facts() -> (World, Vec<Fact>) {
    let mut world = small_segments();
    for id in 0..60 {
        world.transfer(&id.to_string(), if id % 2 == 0 { "1" } else { "1 2" });
        world.settle();
        world.publish(vec![filler(id)]);
    }
    world.settle();
    world.flush();
    world.sync();
    let facts = world.facts("1");
    (world, facts)
}

fn filler(id: u64) -> Event {
    Event { data: vec![0; 4_000], event_type: "filler".into(), ..event(&format!("filler {id}"), "k") }
}

#[test]
fn facts_of_a_year_outlive_a_retention_of_a_minute_and_refold_to_the_same_bytes() {
    let mut world = small_segments();
    let mut recorded: Vec<Fact> = Vec::new();
    let options = RetentionOptions { age_ms: 60_000, trust_after_ms: 0, ..RetentionOptions::default() };
    let clock = Arc::clone(&world.clock);
    let mut retention = Retention::new(options, None, &world.log().bounds(), Reading::of(&*clock));
    for day in 0..365 {
        for (time, accounts) in ["1", "2 1", "3"].into_iter().enumerate() {
            world.transfer(&format!("{day}.{time}"), accounts);
        }
        world.settle();
        world.flush();
        world.sync();
        retention.look(Reading::of(&*clock), &world.log().bounds());
        world.clock.advance_ms(DAY_MS);
        retention.look(Reading::of(&*clock), &world.log().bounds());
        if let Some(before) = retention.to_trim(&*world.log(), &world.shared()).unwrap() {
            let copied = world.try_copy(before).unwrap();
            world.try_cut(copied.before).unwrap();
            world.sync();
        }
        let known = recorded.len() as u64;
        let bank = world.sequencer().state_space("bank").unwrap().consumer;
        let account = crate::promises::harness::account("1");
        recorded.extend(world.shared().facts(bank, &account, known, 2).unwrap());
    }
    assert_eq!(recorded.len(), 730);
    let first = world.log().bounds().first_offset;
    assert!(recorded.iter().filter(|fact| fact.offset.0 < first).count() > 600, "{first}");
    assert!(world.kept().file_count() > 5);
    assert_eq!(world.facts("1"), recorded);
    let folds = ["1", "2", "3"].map(|id| world.fold(id));
    world.crash();
    world.restart();
    assert_eq!(world.facts("1"), recorded);
    world.revise(bracketed);
    world.transfer("last", "1 2 3");
    world.settle();
    for (id, fold) in ["1", "2", "3"].into_iter().zip(folds) {
        assert_eq!(world.fold(id), format!("[{fold} last]"));
    }
}

#[test]
fn no_fact_is_lost_or_kept_twice_by_a_crash_at_any_step_of_copy_and_trim() {
    let (world, facts) = some_facts();
    let begin = |world: &World| {
        let mut world = world.copy();
        world.recover();
        world
    };
    let trim = |world: &mut World| -> Result<u64, LogError> {
        let before = world.may_trim();
        let copied = world.try_copy(before)?;
        world.try_cut(copied.before)?;
        Ok(copied.facts)
    };
    let mut whole = begin(&world);
    let began = whole.disk.operations();
    let copied = trim(&mut whole).unwrap();
    let operations = whole.disk.operations() - began;
    assert!(operations > 8 && copied > 0, "{operations} operations, {copied} facts");
    assert!(whole.log().bounds().first_offset > facts[20].offset.0, "segments are gone");
    for crash_after in 0..operations {
        for seed in 0..4 {
            let mut world = begin(&world);
            world.seed(seed);
            world.disk.crash_after(crash_after);
            let _: Result<u64, LogError> = trim(&mut world);
            world.crash();
            world.recover();
            assert_eq!(world.facts("1"), facts, "after a crash at step {crash_after}, seed {seed}");
            let files = world.kept().file_count();
            let again = trim(&mut world).unwrap();
            assert_eq!(again, if files == 0 { copied } else { 0 }, "step {crash_after}, seed {seed}");
            assert_eq!(world.kept().file_count(), 1);
            assert_eq!(world.facts("1"), facts, "after the trim that follows step {crash_after}");
        }
    }
}

#[test]
fn a_long_copy_goes_on_in_steps_and_each_lets_a_part_be_trimmed() {
    let (mut world, facts) = some_facts();
    let before = world.may_trim();
    let (log, shared) = (world.log(), world.shared());
    let mut copy = FactCopy::new(world.kept()).with_step_bytes(50_000);
    let mut ends = vec![log.bounds().first_sequence];
    while *ends.last().unwrap() < before {
        let copied = copy.copy(&*log, &shared, before).unwrap();
        world.try_cut(copied.before).unwrap();
        assert_eq!(world.facts("1"), facts);
        ends.push(copied.before);
    }
    assert!(ends.len() > 3 && ends.is_sorted(), "{ends:?}");
    assert_eq!(*ends.last().unwrap(), before);
    assert!(copy.copy(&*log, &shared, before).unwrap().facts == 0, "everything is copied");
}

#[test]
fn a_log_without_aggregates_is_not_read_for_a_trim_and_keeps_nothing() {
    let mut world = World::with_segments(SEGMENT_BYTES, |_| {});
    world.attach(spec("one", &["thing.*"]), note);
    for id in 0..60 {
        world.publish(vec![filler(id)]);
        world.settle();
    }
    world.flush();
    let before = world.may_trim();
    let (read, operations) = (world.disk.bytes_read(), world.disk.operations());
    let copied = world.try_copy(before).unwrap();
    assert_eq!((copied.before, copied.facts), (before, 0));
    assert_eq!((world.disk.bytes_read(), world.disk.operations()), (read, operations));
    assert_eq!(world.kept().file_count(), 0);
}

#[test]
fn facts_of_a_removed_aggregate_are_kept() {
    let (mut world, facts) = some_facts();
    let bank = world.sequencer().state_space("bank").unwrap().consumer;
    world.detach("bank");
    let now = world.now();
    world.sequencer().remove("bank", now).unwrap();
    world.settle();
    world.flush();
    world.trim();
    assert!(world.log().bounds().first_offset > facts[20].offset.0);
    let account = crate::promises::harness::account("1");
    assert_eq!(world.shared().facts(bank, &account, 0, facts.len()).unwrap(), facts);
}

#[test]
fn a_full_disk_delays_the_trim_and_nothing_is_lost() {
    let (mut world, facts) = some_facts();
    let (before, first) = (world.may_trim(), world.log().bounds().first_offset);
    world.disk.set_capacity(Some(world.disk.used_bytes() + 1_000));
    let error = world.try_copy(before).unwrap_err();
    assert!(matches!(error, LogError::NoSpace { .. }), "{error}");
    assert_eq!(world.log().bounds().first_offset, first);
    world.disk.set_capacity(None);
    world.trim();
    assert!(world.log().bounds().first_offset > first);
    assert_eq!(world.facts("1"), facts);
}

#[test]
fn a_damaged_record_costs_its_own_facts_and_the_rest_is_kept_and_trimmed() {
    let (mut world, facts) = some_facts();
    let (first, before) = (world.log().bounds().first_sequence, world.may_trim());
    let lost = facts[3].offset;
    let text = facts[3].event.id.clone().into_bytes();
    world.verifies_all = false;
    world.kill();
    world.disk.edit("00000000000000000001.segment", |bytes| {
        let at = bytes.windows(text.len()).position(|window| window == text).unwrap();
        bytes[at] ^= 1;
    });
    world.restart();
    let copied = world.try_copy(before).unwrap();
    assert!(copied.damage.is_some() && copied.before == before, "{copied:?}");
    world.try_cut(before).unwrap();
    assert!(world.log().bounds().first_sequence > first);
    let bank = world.sequencer().state_space("bank").unwrap().consumer;
    let account = crate::promises::harness::account("1");
    let read = |after: u64| world.shared().facts(bank, &account, after, 1);
    let error = read(3).unwrap_err().to_string();
    assert_eq!(error, format!("the fact at offset {lost} is neither in the log nor among the kept facts"));
    for (fact, after) in facts.iter().zip(0..).filter(|(fact, _)| fact.offset != lost) {
        assert_eq!(read(after).unwrap(), std::slice::from_ref(fact));
    }
}

/// Prints the figures of decision 35.
#[test]
fn a_copy_writes_little_more_than_the_bytes_of_the_facts() {
    for data_bytes in [4, 256, 2_048] {
        let mut world = small_segments();
        for id in 0..200 {
            world.transfer(&format!("{id:0data_bytes$}"), &(id % 50).to_string());
            world.settle();
        }
        world.flush();
        let before = world.may_trim();
        let copied = world.try_copy(before).unwrap();
        assert!(copied.facts > 190, "{} facts", copied.facts);
        let overhead = copied.file_bytes - copied.fact_bytes;
        let blocks = copied.file_bytes / (16 * 1024) + 1;
        assert!(overhead <= 64 + 28 * copied.facts + 16 * blocks, "{overhead} bytes");
        let per_mille = copied.file_bytes * 1_000 / copied.fact_bytes;
        println!("facts of {} bytes: {per_mille} / 1000", copied.fact_bytes / copied.facts);
    }
}
