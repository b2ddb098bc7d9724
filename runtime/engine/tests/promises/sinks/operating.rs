//! Redrive jobs and resets meet sinks, also while calls are under way.

use camshaft_engine::{Committed, ResetPlace, ResetTo};
use camshaft_event::transaction::{RedriveSelection, RedriveState};

use super::{LEAST, MOST, World, deliver, sink, world};
use crate::promises::harness::{note, reject};

#[test]
fn a_redrive_job_has_failed_calls_made_again_each_once() {
    for delivery in [LEAST, MOST] {
        let mut world = World::new();
        world.attach(sink("mailer", &["thing.*"], delivery), |_, _| reject());
        world.put_apart(0..5);
        world.settle();
        assert_eq!(world.dead("mailer").len(), 5);
        world.calls.borrow_mut().clear();
        world.attach(sink("mailer", &["thing.*"], delivery), |event, attempt| {
            if event.id == "3" { reject() } else { note(event, attempt) }
        });
        let selection = RedriveSelection {
            consumer: "mailer".to_owned(),
            event_type: None,
            reason: None,
            since: None,
            until: None,
        };
        let now = world.now();
        let id = world.sequencer().start_redrive(selection, None, now).unwrap();
        world.settle_all();
        let status = world.sequencer().redrive_job(id).unwrap();
        assert_eq!((status.job.state, status.job.redriven), (RedriveState::Done, 5));
        assert_eq!((status.results.handled, status.results.dead_again), (4, 1), "{delivery:?}");
        assert_eq!(world.called("mailer").len(), 5);
    }
}

#[test]
fn a_reset_discards_what_comes_of_a_call_under_way() {
    for delivery in [LEAST, MOST] {
        let mut world = world(delivery);
        world.put("0", "k");
        deliver(&mut world);
        let call = world.launch().unwrap();
        world.sync();
        let now = world.now();
        let to = ResetTo { place: ResetPlace::Latest, keep_state: false };
        world.sequencer().reset("mailer", to, now).unwrap();
        world.sync();
        assert_eq!(world.land(call), Committed::Stale);
        world.settle();
        assert!(world.state("mailer").is_empty());
        assert_eq!(world.sequencer().running_calls(), 0);
        assert_eq!(world.standing("mailer").in_flight, 0);
    }
}

#[test]
fn a_call_that_has_not_been_released_when_its_consumer_is_reset_is_never_made() {
    use camshaft_engine::{Call, CallStart, Clock, Release, StateReader, WorkerContext};
    use rand_chacha::rand_core::SeedableRng;
    use std::sync::Arc;

    for delivery in [LEAST, MOST] {
        let mut world = world(delivery);
        world.put("0", "k");
        deliver(&mut world);
        let batch = world.take_call().unwrap();
        let reader: Arc<dyn StateReader> = Arc::new(world.shared());
        let clock: &dyn Clock = &*world.clock;
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let options = Arc::clone(&world.options);
        let context = WorkerContext { options: &options, reader: &reader, clock, random: &mut random };
        let CallStart::Call(mut call, attempt) = Call::begin(batch, context) else {
            panic!("it is to be called")
        };
        let now = world.now();
        let to = ResetTo { place: ResetPlace::Earliest, keep_state: false };
        world.sequencer().reset("mailer", to, now).unwrap();
        let release = world.sequencer().release(&mut call, &attempt, now).unwrap();
        assert_eq!(release, Release::Stale);
        assert_eq!(world.commit_call(Box::new(call.abandon())).unwrap(), Committed::Stale);
        world.settle();
        assert_eq!(world.called("mailer"), ["0"], "the new generation's call");
    }
}
