//! At most once: whatever happens, no call is made twice unless an operator wants it; a call that failed is
//! to be seen.

use camshaft_engine::Committed;
use camshaft_event::transaction::{Outcome, Section};
use camshaft_event::{AttemptContext, FailureCause};

use super::{MOST, World, deliver, sink, world};
use crate::promises::harness::{append, done, event, key_in, publish, reject, retry, trap};

/// Where a process may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    BeforeRelease,
    BeforeReleaseIsDurable,
    BeforeCall,
    AfterCall,
    BeforeEffectsAreDurable,
    Never,
}

const ENDS: [End; 6] = [
    End::BeforeRelease,
    End::BeforeReleaseIsDurable,
    End::BeforeCall,
    End::AfterCall,
    End::BeforeEffectsAreDurable,
    End::Never,
];

/// Lets the process do what it does with one event before it ends.
fn run_until(end: End, world: &mut World) {
    if end == End::BeforeRelease {
        return drop(world.take_call().unwrap());
    }
    let call = world.launch().unwrap();
    if end == End::BeforeReleaseIsDurable {
        return;
    }
    world.sync();
    if end == End::BeforeCall {
        return;
    }
    let finished = world.call(call);
    if end == End::AfterCall {
        return;
    }
    world.commit_call(finished).unwrap();
    if end == End::Never {
        world.sync();
    }
}

#[test]
fn wherever_the_process_ends_a_call_is_made_at_most_once() {
    for end in ENDS {
        for held in [false, true] {
            let mut world = world(MOST);
            world.put("1", "k");
            deliver(&mut world);
            if held {
                // It was a dead letter once, so it does not come from the log.
                world.attach(sink("mailer", &["thing.*"], MOST), |_, _| reject());
                world.settle();
                world.attach(sink("mailer", &["thing.*"], MOST), crate::promises::harness::note);
                let (offset, now) = (world.dead("mailer")[0].0, world.now());
                world.sequencer().redrive("mailer", offset, now).unwrap();
                world.sync();
                world.tick();
                world.calls.borrow_mut().clear();
            }
            run_until(end, &mut world);
            world.crash();
            world.restart();
            world.settle_all();
            // What was not durable is as if it had never been, so the call is still to be made.
            let expected = if end == End::BeforeCall { 0 } else { 1 };
            assert_eq!(world.called("mailer").len(), expected, "{end:?}, held: {held}");
            let standing = world.standing("mailer");
            assert_eq!(
                (standing.lag, standing.held, standing.retrying, standing.dead),
                (0, 0, 0, 0),
                "{end:?}"
            );
        }
    }
}

#[test]
fn what_the_call_asks_for_is_a_second_transaction_without_the_completion() {
    let mut world = World::new();
    world.attach(sink("mailer", &["thing.*"], MOST), |event, attempt| {
        append("sent", &event.id, attempt);
        publish("mail.sent", attempt);
        done()
    });
    world.settle();
    let before = world.sequencer().sequenced().sequence;
    world.put("1", "k");
    world.settle();
    let transactions = world.transactions_from(before.0 + 2);
    let sections: Vec<_> = transactions
        .iter()
        .flat_map(|transaction| &transaction.sections)
        .filter_map(|section| if let Section::Handled(handled) = section { Some(handled) } else { None })
        .collect();
    let [release, effects] = sections.as_slice() else { panic!("two sections: {sections:?}") };
    assert_eq!((release.outcome, release.advances.is_some()), (Outcome::Released, true));
    assert!(release.events.is_empty() && release.state.is_empty());
    assert_eq!((effects.outcome, effects.advances), (Outcome::Done, None));
    assert_eq!((effects.events.len(), effects.state.len()), (1, 1));
    assert_eq!(transactions.len(), 2, "each is a transaction of its own");
}

#[test]
fn a_call_that_fails_is_a_dead_letter_at_once_whatever_it_answers() {
    for (answer, cause) in [
        (retry as fn() -> camshaft_event::Answer, FailureCause::Retry),
        (reject, FailureCause::Reject),
        (trap, FailureCause::Trap),
    ] {
        let mut world = World::new();
        world.attach(sink("mailer", &["thing.*"], MOST), move |_, attempt| {
            attempt.set(b"sent", b"1").unwrap();
            answer()
        });
        world.put_range(0..3, "k");
        world.settle_all();
        assert_eq!(world.called("mailer"), ["0"], "{cause:?}");
        let dead = world.dead("mailer");
        let [(_, letter)] = dead.as_slice() else { panic!("one dead letter: {dead:?}") };
        assert_eq!((letter.history.total, letter.history.latest().unwrap().cause), (1, cause));
        assert!(world.state("mailer").is_empty(), "nothing of a failed call is visible");
        assert_eq!(world.standing("mailer").held, 2, "what is behind it waits");
        world.crash();
        world.restart();
        world.settle_all();
        assert_eq!((world.called("mailer").len(), world.dead("mailer").len()), (1, 1));
    }
}

#[test]
fn an_operator_may_have_a_failed_call_made_again() {
    let mut world = World::new();
    world.attach(sink("mailer", &["thing.*"], MOST), |event, attempt| {
        if attempt.get(b"open").unwrap().is_none() && event.id == "0" {
            return reject();
        }
        append("sent", &event.id, attempt);
        done()
    });
    world.put_range(0..2, "k");
    world.settle();
    world.attach(sink("mailer", &["thing.*"], MOST), |event, attempt| {
        append("sent", &event.id, attempt);
        done()
    });
    let (offset, now) = (world.dead("mailer")[0].0, world.now());
    world.sequencer().redrive("mailer", offset, now).unwrap();
    world.settle_all();
    assert_eq!(world.state("mailer")["sent"], "0 1", "in order");
    assert_eq!(world.called("mailer"), ["0", "0", "1"]);
    assert!(world.dead("mailer").is_empty());
}

#[test]
fn a_call_whose_effects_cannot_commit_is_a_dead_letter_that_says_so() {
    let mut world = World::new();
    world.attach(sink("counting", &["thing.*"], MOST), |event, attempt| {
        append("list", &event.id, attempt);
        done()
    });
    world.publish(vec![event("left", &key_in(0)), event("right", &key_in(1))]);
    deliver(&mut world);
    let (first, second) = (world.launch().unwrap(), world.launch().unwrap());
    world.sync();
    let (first, second) = (world.call(first), world.call(second));
    assert!(matches!(world.commit_call(first), Ok(Committed::At(_))));
    assert!(matches!(world.commit_call(second), Ok(Committed::At(_))));
    world.settle_all();
    assert_eq!(world.called("counting"), ["left", "right"], "neither was made twice");
    let dead = world.dead("counting");
    let [(_, letter)] = dead.as_slice() else { panic!("one dead letter: {dead:?}") };
    assert_eq!((letter.event.id.as_str(), letter.inputs.state.len()), ("right", 1));
    assert_eq!(letter.history.latest().unwrap().cause, FailureCause::Conflict);
    assert_eq!(world.state("counting")["list"], "left");
}
