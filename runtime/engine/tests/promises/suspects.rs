//! What was running when the process ended runs alone at the next start; what takes the process down again
//! becomes a dead letter, and innocents do not.

use std::cell::RefCell;
use std::rc::Rc;

use camshaft_engine::Mark;
use camshaft_event::FailureCause;

use super::harness::{World, key_in, note, spec};

/// A world with two consumers that were handling their first events when the process was killed.
fn ended_amid_two_events() -> (World, Vec<Mark>) {
    let mut world = World::new();
    let marks: Rc<RefCell<Vec<Mark>>> = Rc::default();
    for name in ["one", "other"] {
        let marks = Rc::clone(&marks);
        world.attach(spec(name, &["thing.happened"]), move |event, attempt| {
            marks.borrow_mut().push(attempt.mark());
            note(event, attempt)
        });
    }
    world.put("1", "k");
    world.put("2", "k");
    world.sync();
    while world.read() {}
    let batches = [world.take().unwrap(), world.take().unwrap()];
    // Each gets as far as its first event, and no batch commits.
    for batch in batches {
        world.run(batch);
    }
    let first =
        marks.borrow().iter().filter(|mark| mark.offset.0 == marks.borrow()[0].offset.0).copied().collect();
    world.kill();
    (world, first)
}

fn restart(world: &mut World, marks: &[Mark]) {
    world.recover();
    world.sequencer().suspect(marks);
    for name in ["one", "other"] {
        world.attach(spec(name, &["thing.happened"]), note);
    }
    while world.read() {}
}

#[test]
fn a_suspect_runs_alone_and_by_itself() {
    let (mut world, marks) = ended_amid_two_events();
    assert_eq!(marks.len(), 2);
    assert!(marks.iter().all(|mark| mark.lone_runs == 0));
    restart(&mut world, &marks);
    let first = world.take().unwrap();
    assert_eq!(first.len(), 1, "the suspect is a batch by itself");
    assert!(world.take().is_none(), "nothing runs beside it");
    let finished = world.run(first);
    world.commit(finished);
    world.settle();
    for name in ["one", "other"] {
        // The first two calls of each were in vain.
        assert_eq!(world.called(name), ["1", "2", "1", "2"]);
        assert!(world.dead(name).is_empty());
    }
}

#[test]
fn others_end_before_a_suspect_begins_and_none_begins_before_it() {
    let (mut world, marks) = ended_amid_two_events();
    restart(&mut world, &marks[1..]);
    let innocent = world.take().unwrap();
    assert_eq!(innocent.len(), 2);
    assert!(world.take().is_none(), "the suspect waits for the others");
    assert!(!world.sequencer().has_work());
    world.put("3", &key_in(2));
    world.put("4", &key_in(3));
    let finished = world.run(innocent);
    world.commit(finished);
    let suspect = world.take().unwrap();
    assert_eq!((suspect.spec.name.as_str(), suspect.len()), ("other", 1), "its turn is the next one");
    assert!(world.take().is_none(), "nothing runs beside it");
    let finished = world.run(suspect);
    world.commit(finished);
    assert!(world.take().is_some() && world.take().is_some(), "then all go on");
}

#[test]
fn what_takes_the_process_down_alone_three_times_is_a_dead_letter_and_innocents_are_not() {
    let (mut world, marks) = ended_amid_two_events();
    let guilty = Mark { lone_runs: 3, ..marks[0] };
    restart(&mut world, &[guilty]);
    world.settle();
    let dead: Vec<_> = ["one", "other"].into_iter().flat_map(|name| world.dead(name)).collect();
    let [(offset, letter)] = dead.as_slice() else { panic!("one dead letter: {dead:?}") };
    let last = letter.history.latest().unwrap();
    assert_eq!((*offset, last.cause), (guilty.offset, FailureCause::ProcessEnd));
    assert!(last.error.contains("takes the process down"), "{}", last.error);
    assert_eq!(letter.history.latest().unwrap().attempt, 1);
}

#[test]
fn marks_of_what_is_done_count_for_nothing() {
    let (mut world, marks) = ended_amid_two_events();
    restart(&mut world, &[]);
    world.settle();
    world.sync();
    world.kill();
    let guilty: Vec<Mark> = marks.iter().map(|mark| Mark { lone_runs: 3, ..*mark }).collect();
    restart(&mut world, &guilty);
    world.settle();
    for name in ["one", "other"] {
        assert!(world.dead(name).is_empty());
        assert_eq!(
            world.called(name).iter().filter(|id| *id == "1").count(),
            2,
            "once in vain, once for good"
        );
    }
}

/// A world with one consumer whose calls leave their marks.
fn marking() -> (World, Rc<RefCell<Vec<Mark>>>) {
    let mut world = World::new();
    let marks: Rc<RefCell<Vec<Mark>>> = Rc::default();
    watch(&mut world, &marks);
    world.put("1", "k");
    world.sync();
    while world.read() {}
    (world, marks)
}

fn watch(world: &mut World, marks: &Rc<RefCell<Vec<Mark>>>) {
    let marks = Rc::clone(marks);
    world.attach(spec("one", &["thing.happened"]), move |event, attempt| {
        marks.borrow_mut().push(attempt.mark());
        note(event, attempt)
    });
}

#[test]
fn an_innocent_that_kills_from_outside_hit_while_it_ran_alone_twice_is_handled() {
    let (mut world, marks) = marking();
    for lone_runs in 0..3 {
        let batch = world.take().unwrap();
        world.run(batch);
        assert_eq!(marks.borrow().last().unwrap().lone_runs, lone_runs);
        world.kill();
        world.recover();
        let left = [*marks.borrow().last().unwrap()];
        assert_eq!(world.sequencer().suspect(&left), left);
        watch(&mut world, &marks);
        while world.read() {}
    }
    world.settle();
    assert!(world.dead("one").is_empty());
    assert_eq!(world.called("one"), ["1"; 4], "three times in vain, once for good");
}

#[test]
fn what_is_held_against_a_suspect_outlives_processes_in_which_it_does_not_run() {
    let (mut world, marks) = marking();
    let batch = world.take().unwrap();
    world.run(batch);
    world.kill();
    let mark = marks.borrow()[0];
    let mut kept = vec![Mark { lone_runs: 2, ..mark }, mark];
    for _ in 0..3 {
        world.recover();
        // An older mark of it does not lower the count.
        kept = world.sequencer().suspect(&kept);
        assert_eq!(kept, [Mark { lone_runs: 2, ..mark }]);
        assert_eq!(world.sequencer().suspects(), kept);
        world.kill();
    }
}
