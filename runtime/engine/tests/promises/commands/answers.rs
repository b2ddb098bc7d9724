//! The answer commits with the effects of its command, or not at all.

use camshaft_engine::CommandState;
use camshaft_event::{AttemptContext, CommandOutcome, Event, FailureCause, NewEvent, Timestamp};

use crate::promises::harness::{
    World, accepted, append, command, done, key_in, owner, publish, refusal, reject, retry, spec,
};

#[test]
fn an_answer_names_the_events_that_its_command_published() {
    let mut world = World::new();
    world.attach(owner("owner", &["thing.do"]), |event, attempt| {
        if event.id == "two" {
            publish("thing.done", attempt);
            publish("thing.done", attempt);
        }
        attempt.answer(Ok(b"7".to_vec())).unwrap();
        done()
    });
    let offsets: Vec<_> = ["none", "two"].map(|id| world.send(id, id).offset).into();
    world.settle();
    let decided = |world: &World, at: usize| match world.shared().command_state(offsets[at]).unwrap() {
        Some(CommandState::Decided(decision)) => decision,
        other => panic!("{other:?}"),
    };
    assert_eq!((decided(&world, 0).outcome, decided(&world, 0).facts), (accepted("7"), 0));
    let two = decided(&world, 1);
    assert_eq!((two.outcome, two.facts), (accepted("7"), 2));
    let types: Vec<_> = world.all_events().into_iter().map(|event| event.event_type).collect();
    let first = usize::try_from(two.first_fact.0).unwrap();
    assert_eq!(types[first..first + 2], ["thing.done", "thing.done"]);
}

#[test]
fn a_refused_command_is_done_and_has_no_effects() {
    let mut world = World::new();
    world.attach(owner("owner", &["thing.do"]), |event, attempt| {
        append("k", &event.id, attempt);
        publish("thing.done", attempt);
        attempt.answer(Err(refusal("no-such-thing"))).unwrap();
        done()
    });
    let offset = world.send("c", "k").offset;
    world.settle();
    assert_eq!(world.decision(offset), Some(CommandOutcome::Refused(refusal("no-such-thing"))));
    assert!(world.state("owner").is_empty());
    assert!(world.events().iter().all(|event| event.event_type != "thing.done"));
    assert_eq!(world.standing("owner").dead, 0);
}

#[test]
fn the_last_answer_of_an_attempt_counts_and_none_is_an_empty_reply() {
    let mut world = World::new();
    world.attach(owner("owner", &["thing.do"]), |event, attempt| {
        if event.id == "twice" {
            attempt.answer(Err(refusal("first"))).unwrap();
            attempt.answer(Ok(b"second".to_vec())).unwrap();
        }
        done()
    });
    let (twice, silent) = (world.send("twice", "a").offset, world.send("silent", "b").offset);
    world.settle();
    assert_eq!(world.decision(twice), Some(accepted("second")));
    assert_eq!(world.decision(silent), Some(accepted("")));
}

#[test]
fn an_answer_of_a_failed_attempt_is_none() {
    let mut world = World::new();
    world.attach(owner("owner", &["thing.do"]), |event, attempt| {
        attempt.answer(Ok(attempt.attempt().to_string().into_bytes())).unwrap();
        match event.id.as_str() {
            "rejected" => reject(),
            _ if attempt.attempt() == 1 => retry(),
            _ => done(),
        }
    });
    let (retried, rejected) = (world.send("retried", "a").offset, world.send("rejected", "b").offset);
    world.settle();
    let held = world.shared().command_state(retried).unwrap();
    assert!(matches!(held, Some(CommandState::Held { .. })), "{held:?}");
    world.settle_all();
    assert_eq!(world.decision(retried), Some(accepted("2")));
    let dead = world.shared().command_state(rejected).unwrap();
    assert_eq!(dead, Some(CommandState::Dead { consumer: "owner".into() }));
}

#[test]
fn a_handler_that_owns_no_commands_cannot_answer() {
    let mut world = World::new();
    world.attach(spec("handler", &["thing.*"]), |_, attempt| {
        assert!(attempt.answer(Ok(Vec::new())).is_err());
        done()
    });
    world.put("e", "k");
    world.settle();
    let (_, letter) = world.dead("handler").remove(0);
    assert_eq!(letter.history.latest().unwrap().cause, FailureCause::Refused);
}

#[test]
fn an_answer_over_its_limit_is_a_dead_letter_that_names_the_setting() {
    let mut world = World::with(|options| options.max_answer_bytes = 8);
    world.attach(owner("owner", &["thing.do"]), |event, attempt| {
        attempt.answer(Ok(event.id.clone().into_bytes())).ok();
        done()
    });
    let (fits, exceeds) = (world.send("8 bytes.", "a").offset, world.send("9 bytes..", "b").offset);
    world.settle();
    assert_eq!(world.decision(fits), Some(accepted("8 bytes.")));
    assert_eq!(world.decision(exceeds), None);
    let (_, letter) = world.dead("owner").remove(0);
    let error = &letter.history.latest().unwrap().error;
    assert!(error.contains("9 exceeds the limit of 8 (setting `limits.max_answer_bytes`)"), "{error}");
}

#[test]
fn an_expired_command_is_refused_without_a_call() {
    let mut world = World::new();
    world.attach(owner("owner", &["thing.do"]), |_, _| done());
    let expiring = |id: &str, at: &str| {
        let mut command = command(id, id);
        command.set_extension("expirytime", at);
        command
    };
    let past = expiring("past", "1970-01-01T00:00:00Z");
    let future = expiring("future", "2999-01-01T00:00:00+02:00");
    world.clock.advance_ms(1);
    let receipts = world.try_send(vec![past, future]).unwrap();
    world.settle();
    assert_eq!(world.called("owner"), ["future"]);
    let Some(CommandOutcome::Refused(refusal)) = world.decision(receipts[0].offset) else { panic!() };
    assert_eq!(refusal.code, "expired");
    assert!(refusal.message.contains("1970-01-01T00:00:00.000Z"), "{}", refusal.message);
    assert_eq!(world.decision(receipts[1].offset), Some(accepted("")));
    let never = world.try_send(vec![Event { id: "never".into(), ..expiring("never", "soon") }]).unwrap_err();
    assert!(never.to_string().contains("expirytime \"soon\""), "{never}");
}

#[test]
fn a_refused_command_does_not_count_the_size_of_what_it_would_have_replaced() {
    let mut world = World::new();
    world.attach(owner("owner", &["thing.do"]), |event, attempt| {
        // Without a read: the write does not depend on the value that it replaces.
        attempt.set(b"k", &[0; 100]).unwrap();
        if event.id == "refused" {
            attempt.answer(Err(refusal("no"))).unwrap();
        }
        done()
    });
    world.settle();
    world.send("refused", &key_in(0));
    world.send("accepted", &key_in(1));
    world.sync();
    let batches = [world.take().unwrap(), world.take().unwrap()];
    let [first, second] = batches.map(|batch| world.run(batch));
    world.commit(second);
    world.commit(first);
    world.settle();
    assert_eq!(world.standing("owner").state_bytes, 101);
}

#[test]
fn timers_of_a_refused_command_do_not_count_in_its_batch() {
    let mut world = World::with(|options| options.max_timers = 1);
    world.attach(owner("owner", &["thing.do"]), |event, attempt| {
        let later = NewEvent { event_type: "later".into(), ..NewEvent::default() };
        attempt.schedule(&event.id, later, Timestamp(u64::MAX)).ok();
        if event.id == "refused" {
            attempt.answer(Err(refusal("no"))).unwrap();
        }
        done()
    });
    world.send("refused", "k");
    let accepted_at = world.send("accepted", "k").offset;
    world.settle();
    assert_eq!(world.decision(accepted_at), Some(accepted("")));
    assert_eq!(world.standing("owner").dead, 0);
}
