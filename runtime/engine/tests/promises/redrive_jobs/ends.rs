//! A redrive job ends, by itself or cancelled; it is told, and kept for a while.

use std::collections::BTreeSet;

use camshaft_engine::{RedriveError, ResetPlace, ResetTo};
use camshaft_event::transaction::{RedriveSelection, RedriveState};
use camshaft_event::{FailureCause, Offset, RedriveId};

use super::{all, bury, choosy_world, counts, dead, job, redrive_by_hand, start};
use crate::promises::harness::{World, note, spec};

#[test]
fn a_cancelled_job_leaves_the_rest_dead() {
    let (mut world, bad) = choosy_world();
    let offsets = bury(&mut world, &bad, &[("1", "a"), ("2", "b"), ("3", "c")]);
    let id = start(&mut world, all(), 1);
    world.settle();
    let now = world.now();
    world.sequencer().discard("choosy", offsets[2], now).unwrap();
    world.sequencer().cancel_redrive(id, now).unwrap();
    world.settle_all();
    assert_eq!((counts(&world, id), job(&world, id).job.state), ([3, 1, 1, 1], RedriveState::Cancelled));
    assert_eq!(dead(&world), [offsets[1]]);
    redrive_by_hand(&mut world, offsets[1]);
    world.settle();
    assert_eq!(counts(&world, id), [3, 1, 1, 1], "it says what was when it ended");
    let again = world.sequencer().cancel_redrive(id, now);
    assert!(matches!(again, Err(RedriveError::Ended { .. })));
    let unknown = world.sequencer().cancel_redrive(RedriveId(99), now);
    assert!(matches!(unknown, Err(RedriveError::NotFound { .. })));
}

#[test]
fn start_and_end_are_told_with_their_counts() {
    let (mut world, bad) = choosy_world();
    bury(&mut world, &bad, &[("1", "a"), ("2", "b")]);
    let selection = RedriveSelection {
        event_type: Some("thing.*".parse().unwrap()),
        reason: Some(FailureCause::Reject),
        until: Some(world.now().plus_ms(1)),
        ..all()
    };
    let first = start(&mut world, selection, 5);
    world.tick();
    let now = world.now();
    world.sequencer().cancel_redrive(first, now).unwrap();
    start(&mut world, all(), 0);
    world.settle_all();
    let told: Vec<_> = world
        .all_events()
        .into_iter()
        .filter(|event| event.event_type.starts_with("camshaft.redrive."))
        .collect();
    let types: Vec<_> = told.iter().map(|event| event.event_type.as_str()).collect();
    let expected =
        ["started", "cancelled", "started", "finished"].map(|act| format!("camshaft.redrive.{act}"));
    assert_eq!(types, expected);
    assert!(
        told.iter().all(|event| event.subject.as_deref() == Some("choosy") && event.source == "/camshaft")
    );
    let data: Vec<serde_json::Value> =
        told.iter().map(|event| serde_json::from_slice(&event.data).unwrap()).collect();
    let expected = serde_json::json!({
        "job": 1, "consumer": "choosy", "type": "thing.*", "reason": "reject", "since": null,
        "until": "1970-01-01T00:16:40.001Z", "per_second": 5, "selected": 2,
    });
    assert_eq!(data[0], expected);
    let counts =
        |value: &serde_json::Value| ["job", "selected", "redriven", "gone"].map(|name| value[name].as_u64());
    assert_eq!(counts(&data[1]), [Some(1), Some(2), Some(1), Some(0)]);
    assert_eq!(counts(&data[3]), [Some(2), Some(1), Some(1), Some(0)]);
    // Each dead letter that went is told as it is by hand, with the job.
    let redriven: Vec<_> =
        world.all_events().into_iter().filter(|event| event.event_type.ends_with(".redriven")).collect();
    let jobs: Vec<serde_json::Value> =
        redriven.iter().map(|event| serde_json::from_slice(&event.data).unwrap()).collect();
    assert_eq!(jobs.iter().map(|data| data["job"].as_u64()).collect::<Vec<_>>(), [Some(1), Some(2)]);
    let ids: BTreeSet<_> = world.all_events().into_iter().map(|event| (event.source, event.id)).collect();
    assert_eq!(ids.len(), world.all_events().len(), "no two system events have one id");
}

#[test]
fn a_job_that_selects_nothing_is_done_at_once() {
    let (mut world, _) = choosy_world();
    let id = start(&mut world, all(), 1);
    world.settle();
    assert_eq!((counts(&world, id), job(&world, id).job.state), ([0, 0, 0, 0], RedriveState::Done));
    assert_eq!(world.sequencer().next_due(), None);
}

#[test]
fn one_job_of_a_consumer_runs_at_a_time_and_the_consumer_must_be_known() {
    let (mut world, bad) = choosy_world();
    bury(&mut world, &bad, &[("1", "a"), ("2", "b")]);
    world.attach(spec("other", &["other"]), note);
    let id = start(&mut world, all(), 1);
    let now = world.now();
    let refused = world.sequencer().start_redrive(all(), None, now);
    assert!(matches!(refused, Err(RedriveError::Running { job, .. }) if job == id));
    start(&mut world, RedriveSelection { consumer: "other".into(), ..all() }, 1);
    let nobodys = RedriveSelection { consumer: "nobody".into(), ..all() };
    let refused = world.sequencer().start_redrive(nobodys, None, now);
    assert!(matches!(refused, Err(RedriveError::NoSuchConsumer { .. })));
    let endless = RedriveSelection {
        consumer: "other".into(),
        event_type: Some(vec!["x"; 600].join(".").parse().unwrap()),
        ..all()
    };
    world.settle_all();
    let refused = world.sequencer().start_redrive(endless, None, now);
    assert!(matches!(refused, Err(RedriveError::Pattern { bytes: 1_199 })));
    start(&mut world, all(), 1);
}

#[test]
fn the_newest_jobs_are_kept_and_running_ones_always() {
    let (mut world, bad) = choosy_world();
    bury(&mut world, &bad, &[("1", "a"), ("2", "b")]);
    let running = start(&mut world, all(), 1);
    world.tick();
    world.attach(spec("other", &["other"]), note);
    let others = RedriveSelection { consumer: "other".into(), ..all() };
    for _ in 0..150 {
        start(&mut world, others.clone(), 0);
        world.tick();
        world.sync();
    }
    let kept = |world: &World| {
        world.sequencer().redrive_jobs().iter().map(|status| status.job.id.0).collect::<Vec<_>>()
    };
    let expected: Vec<u64> = std::iter::once(running.0).chain(53..=151).collect();
    assert_eq!(kept(&world), expected);
    world.flush();
    world.crash();
    world.restart();
    assert_eq!(kept(&world), expected);
    assert_eq!(start(&mut world, others, 0), RedriveId(152));
}

#[test]
fn a_reset_or_removal_ends_a_job_of_what_it_dropped() {
    for removes in [false, true] {
        let (mut world, bad) = choosy_world();
        bury(&mut world, &bad, &[("1", "a"), ("2", "b"), ("3", "c")]);
        let id = start(&mut world, all(), 1);
        world.settle();
        let now = world.now();
        if removes {
            world.detach("choosy");
            world.sequencer().remove("choosy", now).unwrap();
        } else {
            // All are dead letters again in the new generation.
            bad.borrow_mut().extend(["1", "2", "3"].map(str::to_owned));
            let to = ResetTo { place: ResetPlace::Earliest, keep_state: false };
            assert_eq!(world.sequencer().reset("choosy", to, now).unwrap(), Offset(0));
        }
        world.settle_all();
        assert_eq!((counts(&world, id), job(&world, id).job.state), ([3, 1, 2, 0], RedriveState::Done));
        assert!(removes || dead(&world).len() == 3);
    }
}
