//! Partitions of one consumer are serializable: an outcome counts only if what it saw still stands.

use std::cell::RefCell;
use std::rc::Rc;

use camshaft_engine::{Committed, Finished};
use camshaft_event::AttemptContext;

use super::harness::{World, append, done, event, key_in, note, reject, retry, spec};

/// Takes and runs as many batches as there are, without committing.
fn run_all(world: &mut World) -> Vec<Finished> {
    let batches: Vec<_> = std::iter::from_fn(|| world.take()).collect();
    batches.into_iter().map(|batch| world.run(batch)).collect()
}

fn put_two(world: &mut World) {
    world.publish(vec![event("left", &key_in(0)), event("right", &key_in(1))]);
    world.sync();
    world.read();
}

#[test]
fn of_two_batches_that_read_and_write_one_value_the_later_runs_again() {
    let mut world = World::new();
    world.attach(spec("counting", &["thing.*"]), |event, attempt| {
        append("list", &event.id, attempt);
        done()
    });
    put_two(&mut world);
    let mut finished = run_all(&mut world);
    assert_eq!(finished.len(), 2);
    let (second, first) = (finished.pop().unwrap(), finished.pop().unwrap());
    assert!(matches!(world.commit(first), Committed::At(_)));
    assert_eq!(world.commit(second), Committed::Conflict);
    world.settle();
    assert_eq!(world.state("counting")["list"].split(' ').count(), 2);
    assert!(world.calls.borrow().iter().all(|call| call.attempt == 1), "the lost attempt is not counted");
}

#[test]
fn batches_that_touch_different_keys_do_not_disturb_each_other() {
    let mut world = World::new();
    world.attach(spec("counting", &["thing.*"]), note);
    put_two(&mut world);
    for finished in run_all(&mut world) {
        assert!(matches!(world.commit(finished), Committed::At(_)));
    }
    assert_eq!(world.state("counting").len(), 2);
}

#[test]
fn a_failure_on_stale_reads_is_not_counted() {
    for failing in [retry as fn() -> camshaft_event::Answer, reject] {
        let mut world = World::new();
        world.attach(spec("strict", &["thing.*"]), move |event, attempt| {
            let is_first = attempt.get(b"owner").unwrap().is_none();
            if event.id == "left" {
                attempt.set(b"owner", b"left").unwrap();
                return done();
            }
            // It fails only while it does not see what the other partition does.
            if is_first { failing() } else { note(event, attempt) }
        });
        put_two(&mut world);
        let finished = run_all(&mut world);
        // The one that wrote commits first.
        let (writer, reader): (Vec<_>, Vec<_>) =
            finished.into_iter().enumerate().partition(|(at, _)| world.calls.borrow()[*at].id == "left");
        for (_, finished) in writer.into_iter().chain(reader) {
            world.commit(finished);
        }
        world.settle();
        assert_eq!(world.state("strict")[&key_in(1)], "right");
        assert_eq!((world.standing("strict").dead, world.standing("strict").retrying), (0, 0));
    }
}

#[test]
fn a_scan_sees_all_of_the_state_or_runs_again() {
    let mut world = World::new();
    world.attach(spec("scanning", &["thing.*"]), |event, attempt| {
        let seen = attempt.scan(b"", None, 100).unwrap().len();
        attempt.set(event.id.as_bytes(), seen.to_string().as_bytes()).unwrap();
        done()
    });
    put_two(&mut world);
    let finished = run_all(&mut world);
    let committed: Vec<_> = finished.into_iter().map(|finished| world.commit(finished)).collect();
    assert!(matches!(committed[..], [Committed::At(_), Committed::Conflict]), "{committed:?}");
    world.settle();
    let mut seen: Vec<_> = world.state("scanning").into_values().collect();
    seen.sort_unstable();
    assert_eq!(seen, ["0", "1"], "one saw nothing, the other saw the one");
}

#[test]
fn a_value_that_is_there_only_between_two_reads_is_noticed() {
    let mut world = World::with(|options| options.batch_events = 1);
    let meanwhile = Rc::new(RefCell::new(None::<Box<dyn FnOnce()>>));
    let commit_other = Rc::clone(&meanwhile);
    world.attach(spec("reading", &["thing.*"]), move |event, attempt| {
        match event.id.as_str() {
            "set" => attempt.set(b"value", b"1").unwrap(),
            "unset" => attempt.delete(b"value").unwrap(),
            _ => {
                let before = attempt.get(b"value").unwrap();
                // Another worker commits in between.
                if let Some(commit) = commit_other.borrow_mut().take() {
                    commit();
                }
                let is_same = before == attempt.get(b"value").unwrap();
                attempt.set(b"same", is_same.to_string().as_bytes()).unwrap();
            }
        }
        done()
    });
    world.settle();
    world.put("reader", &key_in(0));
    let reader = world.take().unwrap();
    world.put("set", &key_in(1));
    world.put("unset", &key_in(1));
    let set = world.take().unwrap();
    let set = world.run(set);
    let (sequencer, now) = (world.shared(), world.now());
    *meanwhile.borrow_mut() = Some(Box::new(move || _ = sequencer.commit(set, now).unwrap()));
    let reader = world.run(reader);
    // At commit it is as absent as it was at the first read.
    world.step().unwrap();
    assert_eq!(world.commit(reader), Committed::Conflict);
    world.settle();
    assert_eq!(world.state("reading")["same"], "true");
}

#[test]
fn a_batch_that_lost_runs_while_no_other_partition_does() {
    let mut world = World::with(|options| options.batch_events = 1);
    world.attach(spec("counting", &["thing.*"]), |event, attempt| {
        append("list", &event.id, attempt);
        done()
    });
    for id in 0..4 {
        world.put(&format!("left-{id}"), &key_in(0));
        world.put(&format!("right-{id}"), &key_in(1));
    }
    world.sync();
    world.read();
    let mut finished = run_all(&mut world);
    let (second, first) = (finished.pop().unwrap(), finished.pop().unwrap());
    world.commit(first);
    assert_eq!(world.commit(second), Committed::Conflict);
    let alone = world.take().unwrap();
    assert!(world.take().is_none(), "no other partition runs beside it");
    let finished = world.run(alone);
    assert!(matches!(world.commit(finished), Committed::At(_)));
    world.settle();
    assert_eq!(world.state("counting")["list"].split(' ').count(), 8);
}

#[test]
fn several_batches_that_lost_each_get_their_turn_alone() {
    let mut world = World::with(|options| options.batch_events = 1);
    world.attach(spec("counting", &["thing.*"]), |event, attempt| {
        append("list", &event.id, attempt);
        done()
    });
    for id in 0..3 {
        for key in ["a", "b", "c", "d", "e", "f"] {
            world.put(&format!("{key}{id}"), key);
        }
    }
    world.sync();
    world.read();
    let finished = run_all(&mut world);
    assert!(finished.len() > 2, "several partitions run");
    let lost = finished.len() - 1;
    let committed: Vec<_> = finished.into_iter().map(|finished| world.commit(finished)).collect();
    assert_eq!(committed.iter().filter(|committed| **committed == Committed::Conflict).count(), lost);
    for _ in 0..lost {
        let alone = world.take().unwrap();
        assert!(world.take().is_none());
        let finished = world.run(alone);
        assert!(matches!(world.commit(finished), Committed::At(_)));
    }
    world.settle();
    assert_eq!(world.state("counting")["list"].split(' ').count(), 18);
}

#[test]
fn a_consumer_that_loses_often_runs_its_partitions_one_after_another() {
    let mut world = World::with(|options| options.batch_events = 1);
    world.attach(spec("counting", &["thing.*"]), |event, attempt| {
        append("list", &event.id, attempt);
        done()
    });
    for id in 0..50 {
        world.put(&format!("left-{id}"), &key_in(0));
        world.put(&format!("right-{id}"), &key_in(1));
    }
    world.sync();
    world.read();
    let mut conflicts = 0;
    loop {
        world.read();
        let finished = run_all(&mut world);
        if finished.is_empty() {
            break;
        }
        for finished in finished {
            conflicts += u32::from(world.commit(finished) == Committed::Conflict);
        }
    }
    assert_eq!(world.state("counting")["list"].split(' ').count(), 100);
    assert_eq!(conflicts, 3, "then it stops trying in parallel");
}

#[test]
fn a_flush_between_read_and_commit_hides_no_change() {
    let mut world = World::new();
    world.attach(spec("counting", &["thing.*"]), |event, attempt| {
        append("list", &event.id, attempt);
        done()
    });
    put_two(&mut world);
    let mut finished = run_all(&mut world);
    let (second, first) = (finished.pop().unwrap(), finished.pop().unwrap());
    world.commit(first);
    world.flush();
    assert_eq!(world.commit(second), Committed::Conflict);
    world.settle();
    assert_eq!(world.state("counting")["list"].split(' ').count(), 2);
}
