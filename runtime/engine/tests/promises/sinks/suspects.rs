//! A call that was being made when the process ended is made alone; one that takes the process down alone
//! three times is not made again.

use std::cell::RefCell;
use std::rc::Rc;

use camshaft_engine::Mark;
use camshaft_event::FailureCause;

use super::{LEAST, MOST, World, deliver, sink};
use crate::promises::harness::{note, spec};

fn attach(world: &mut World, delivery: camshaft_event::Delivery, marks: &Rc<RefCell<Vec<Mark>>>) {
    let seen = Rc::clone(marks);
    world.attach(sink("mailer", &["thing.*"], delivery), move |event, attempt| {
        seen.borrow_mut().push(attempt.mark());
        note(event, attempt)
    });
    world.attach(spec("other", &["thing.*"]), note);
}

/// A world whose process ended in the middle of the sink's first call.
fn ended_amid_a_call(delivery: camshaft_event::Delivery) -> (World, Mark, Rc<RefCell<Vec<Mark>>>) {
    let (mut world, marks) = (World::new(), Rc::default());
    attach(&mut world, delivery, &marks);
    world.put("1", "k");
    deliver(&mut world);
    let call = world.launch().unwrap();
    world.sync();
    world.call(call);
    world.kill();
    world.recover();
    let mark = marks.borrow()[0];
    (world, mark, marks)
}

#[test]
fn a_suspected_call_is_made_with_nothing_beside_it() {
    let (mut world, mark, marks) = ended_amid_a_call(LEAST);
    assert_eq!(world.sequencer().suspect(&[mark]), [mark]);
    attach(&mut world, LEAST, &marks);
    while world.read() {}
    let batch = world.take().unwrap();
    assert!(world.take_call().is_none(), "the other consumer's batch runs");
    assert!(!world.sequencer().has_calls());
    world.put("2", "k");
    let finished = world.run(batch);
    world.commit(finished);
    assert!(world.take().is_none() && !world.sequencer().has_work(), "its turn is the next one");
    let call = world.launch().unwrap();
    assert!(world.take().is_none() && world.launch().is_none(), "nothing runs beside it");
    world.sync();
    world.land(call);
    world.settle();
    assert_eq!(world.called("mailer"), ["1", "1", "2"]);
    assert_eq!(world.called("other"), ["1", "2"]);
}

#[test]
fn a_suspected_call_whose_sink_is_gone_keeps_nobody_waiting() {
    let (mut world, mark, marks) = ended_amid_a_call(LEAST);
    world.sequencer().suspect(&[mark]);
    attach(&mut world, LEAST, &marks);
    while world.read() {}
    let batch = world.take().unwrap();
    assert!(world.take_call().is_none());
    world.detach("mailer");
    let finished = world.run(batch);
    world.commit(finished);
    world.put("2", "k");
    world.settle();
    assert_eq!(world.called("other"), ["1", "2"]);
}

#[test]
fn a_suspected_call_that_ceases_to_be_one_keeps_nobody_waiting() {
    let (mut world, mark, marks) = ended_amid_a_call(LEAST);
    world.sequencer().suspect(&[mark]);
    attach(&mut world, LEAST, &marks);
    while world.read() {}
    let batch = world.take().unwrap();
    assert!(world.take_call().is_none());
    world.attach(spec("mailer", &["thing.*"]), note);
    let finished = world.run(batch);
    world.commit(finished);
    while world.read() {}
    assert!(world.sequencer().has_work(), "whoever runs it now is told so");
    world.settle();
    assert_eq!(world.called("mailer"), ["1", "1"]);
}

#[test]
fn a_suspected_batch_waits_for_the_calls_under_way() {
    let (mut world, mark, marks) = ended_amid_a_call(LEAST);
    attach(&mut world, LEAST, &marks);
    let id = world.standing("other").record.id;
    assert_eq!(world.sequencer().suspect(&[Mark { consumer: id, ..mark }]).len(), 1);
    while world.read() {}
    let call = world.launch().unwrap();
    assert!(world.take().is_none() && !world.sequencer().has_work(), "a call is under way");
    world.sync();
    world.land(call);
    let batch = world.take().unwrap();
    assert!(batch.is_suspect());
    world.put("2", "k");
    assert!(world.launch().is_none() && !world.sequencer().has_calls(), "nothing runs beside it");
    let finished = world.run(batch);
    world.commit(finished);
    world.settle();
    assert_eq!(world.called("other"), ["1", "2"]);
}

#[test]
fn what_takes_the_process_down_alone_three_times_is_a_dead_letter() {
    let (mut world, mark, marks) = ended_amid_a_call(LEAST);
    world.sequencer().suspect(&[Mark { lone_runs: 3, ..mark }]);
    attach(&mut world, LEAST, &marks);
    world.settle();
    assert_eq!(world.called("mailer"), ["1"], "it is not called");
    assert_eq!(world.dead("mailer")[0].1.history.latest().unwrap().cause, FailureCause::ProcessEnd);
}

#[test]
fn at_most_once_a_call_that_took_the_process_down_is_done() {
    let (mut world, mark, marks) = ended_amid_a_call(MOST);
    assert_eq!(world.sequencer().suspect(&[mark]), []);
    attach(&mut world, MOST, &marks);
    world.settle();
    assert_eq!(world.called("mailer"), ["1"]);
    assert!(world.dead("mailer").is_empty());
}
