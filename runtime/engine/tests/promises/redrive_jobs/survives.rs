//! Wherever a crash comes, a redrive job goes on where it was: nothing is redriven twice, nothing is left
//! out, and its counts are right.

use camshaft_event::transaction::{RedriveState, Section};
use camshaft_event::{AttemptContext, Offset, RedriveId};

use super::{Bad, all, bury, choosy_world, counts, job, start};
use crate::promises::harness::{World, note, retry, spec};

const IDS: [(&str, &str); 7] =
    [("1", "a"), ("2", "b"), ("3", "a"), ("4", "c"), ("5", "b"), ("6", "a"), ("7", "")];

/// The offsets that the log says were redriven, in its order.
fn redriven(world: &mut World) -> Vec<Offset> {
    let transactions = world.transactions();
    let sections = transactions.into_iter().flat_map(|transaction| transaction.sections);
    let changes = sections.filter_map(|section| match section {
        Section::Intervention(intervention) => Some(intervention.held),
        _ => None,
    });
    changes.flatten().map(|change| change.offset).collect()
}

/// Lets the job come to its end, and checks that it did all of it once.
fn check_end(world: &mut World, id: RedriveId, offsets: &[Offset]) {
    world.settle_all();
    assert_eq!(redriven(world), offsets, "each once, in order");
    let status = job(world, id);
    assert_eq!((counts(world, id), status.job.state), ([7, 7, 0, 0], RedriveState::Done));
    assert_eq!((status.results.handled, status.results.dead_again), (7, 0));
    let state = world.state("choosy");
    let lists = ["a", "b", "c", "(none)"].map(|key| state[key].as_str());
    assert_eq!(lists, ["1 3 6", "2 5", "4", "7"]);
    let finished =
        world.all_events().into_iter().filter(|event| event.event_type == "camshaft.redrive.finished");
    assert_eq!(finished.count(), 1);
}

/// What the process has done when it ends.
#[derive(Clone, Copy, Debug)]
enum Done {
    Nothing,
    Appended,
    Synced,
    Flushed,
}

fn end_process(world: &mut World, done: Done, loses_power: bool) {
    match done {
        Done::Nothing => {}
        Done::Appended => _ = world.append(),
        Done::Synced => _ = world.sync(),
        Done::Flushed => _ = world.flush(),
    }
    if loses_power {
        world.crash();
    } else {
        world.kill();
    }
    world.restart();
}

/// A world with a job whose start is durable.
fn world_with_job(seed: u64) -> (World, Bad, RedriveId, Vec<Offset>) {
    let (mut world, bad) = choosy_world();
    world.seed(seed);
    let offsets = bury(&mut world, &bad, &IDS);
    let id = start(&mut world, all(), 10);
    world.sync();
    (world, bad, id, offsets)
}

#[test]
fn a_crash_at_any_step_of_the_job_changes_nothing_of_what_it_does() {
    for done in [Done::Nothing, Done::Appended, Done::Synced, Done::Flushed] {
        for loses_power in [false, true] {
            for steps in 0..30 {
                let (mut world, _bad, id, offsets) = world_with_job(steps);
                // One step is a dead letter redriven, or one event handled.
                for step in 0..steps {
                    if step % 2 == 0 {
                        world.clock.advance_ms(100);
                        world.tick();
                    } else {
                        world.step();
                    }
                    // Some of it is durable, some is not.
                    if step % 5 == 4 {
                        world.sync();
                    }
                }
                end_process(&mut world, done, loses_power);
                check_end(&mut world, id, &offsets);
            }
        }
    }
}

#[test]
fn a_crash_in_the_middle_of_a_portion_changes_nothing_either() {
    for seed in 0..60 {
        let (mut world, bad) = choosy_world();
        world.seed(seed);
        let offsets = bury(&mut world, &bad, &IDS);
        let id = start(&mut world, all(), 0);
        world.sync();
        world.tick();
        // All of it is appended, none of it is synced: chance decides how much survives.
        end_process(&mut world, Done::Appended, true);
        check_end(&mut world, id, &offsets);
    }
}

#[test]
fn a_start_or_cancel_that_was_not_durable_has_not_been() {
    let (mut world, bad) = choosy_world();
    bury(&mut world, &bad, &IDS);
    start(&mut world, all(), 10);
    world.kill();
    world.restart();
    assert!(world.sequencer().redrive_jobs().is_empty());
    assert_eq!(world.standing("choosy").dead, 7);
    let id = start(&mut world, all(), 10);
    world.tick();
    world.sync();
    for syncs in [false, true] {
        let now = world.now();
        world.sequencer().cancel_redrive(id, now).unwrap();
        if syncs {
            world.sync();
        }
        world.kill();
        world.restart();
        let expected = if syncs { RedriveState::Cancelled } else { RedriveState::Running };
        assert_eq!((job(&world, id).job.state, counts(&world, id)), (expected, [7, 1, 0, 6]));
    }
    world.settle_all();
    assert_eq!(world.standing("choosy").dead, 6, "a cancelled job stays cancelled");
}

#[test]
fn after_a_restart_it_still_takes_only_what_was_dead_at_its_start() {
    for flushes in [false, true] {
        let (mut world, bad, id, offsets) = world_with_job(1);
        world.tick();
        world.settle();
        bad.borrow_mut().extend(["new".to_owned(), "2".to_owned()]);
        world.put("new", "n");
        let now = world.now();
        world.sequencer().redrive("choosy", offsets[1], now).unwrap();
        world.settle();
        assert_eq!(counts(&world, id), [7, 1, 1, 5]);
        end_process(&mut world, if flushes { Done::Flushed } else { Done::Synced }, true);
        assert_eq!(counts(&world, id), [7, 1, 1, 5]);
        world.settle_all();
        assert_eq!(counts(&world, id), [7, 6, 1, 0]);
        let ids: Vec<_> = world.dead("choosy").into_iter().map(|(_, letter)| letter.event.id).collect();
        assert_eq!(ids, ["2", "new"]);
    }
}

#[test]
fn its_rate_does_not_start_over_with_the_process() {
    let (mut world, _bad, id, _) = world_with_job(1);
    world.tick();
    for _ in 0..5 {
        end_process(&mut world, Done::Synced, false);
        world.clock.advance_ms(10);
        world.tick();
    }
    assert_eq!(counts(&world, id)[1], 1);
    world.clock.advance_ms(50);
    world.tick();
    assert_eq!(counts(&world, id)[1], 2);
}

#[test]
fn results_are_counted_once_and_kept() {
    for flushes in [false, true] {
        let (mut world, bad) = choosy_world();
        bury(&mut world, &bad, &IDS);
        // Of what is redriven, one is retried first, one fails for good.
        let mut declared = spec("choosy", &["thing.*"]);
        declared.policy.max_attempts = 2;
        world.attach(declared, |event, attempt| match (event.id.as_str(), attempt.attempt()) {
            ("1", 1) | ("2", _) => retry(),
            _ => note(event, attempt),
        });
        let id = start(&mut world, all(), 0);
        world.settle();
        let results = job(&world, id).results;
        assert_eq!((results.handled, results.dead_again), (2, 0), "two are retried, three wait behind those");
        end_process(&mut world, if flushes { Done::Flushed } else { Done::Synced }, true);
        assert_eq!(job(&world, id).results, results);
        world.settle_all();
        let results = job(&world, id).results;
        assert_eq!((results.handled, results.dead_again), (5, 1));
        end_process(&mut world, if flushes { Done::Flushed } else { Done::Synced }, true);
        assert_eq!(job(&world, id).results, results);
    }
}
