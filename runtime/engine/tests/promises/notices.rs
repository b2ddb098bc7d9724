//! The log that people watch is told of failures and of what operators do.

use camshaft_engine::{Noticed, ResetPlace, ResetTo};
use camshaft_event::{Answer, FailureCause, Offset};

use super::harness::{World, done, reject, spec};

#[test]
fn the_log_that_people_watch_is_told_of_failures_and_acts() {
    let mut world = World::new();
    let mut declared = spec("trying", &["thing.*"]);
    declared.policy.max_attempts = 3;
    world.attach(declared, |event, _| match event.id.as_str() {
        "good" => done(),
        "bad" => reject(),
        _ => Answer::Retry { after_ms: Some(60_000), reason: "not yet\nmore".into() },
    });
    for id in ["good", "bad", "slow"] {
        world.put(id, id);
    }
    world.settle();
    let now = world.now();
    world.sequencer().retry_held("trying", Offset(3), now).unwrap();
    world.settle();
    let now = world.now();
    world.sequencer().set_held_aside("trying", Offset(3), now).unwrap();
    world.sequencer().redrive("trying", Offset(2), now).unwrap();
    world.settle();
    world.sequencer().discard("trying", Offset(2), now).unwrap();
    world.sequencer().pause("trying", now).unwrap();
    world.sequencer().resume("trying", now).unwrap();
    let to = ResetTo { place: ResetPlace::Latest, keep_state: true };
    world.sequencer().reset("trying", to, now).unwrap();
    let notices = world.sequencer().take_notices();
    let told: Vec<_> = notices.iter().map(|notice| (notice.what, notice.reason.as_str())).collect();
    let (failed, dead) = (Noticed::Failed(FailureCause::Retry), Noticed::DeadLetter(FailureCause::Reject));
    let expected = [
        (dead, "never"),
        (failed, "not yet"),
        (Noticed::HeldRetried, "by an operator"),
        (failed, "not yet"),
        (Noticed::HeldSetAside, "not yet"),
        (Noticed::Redriven, "by an operator"),
        (dead, "never"),
        (Noticed::Discarded, "by an operator"),
        (Noticed::Paused, "by an operator"),
        (Noticed::Resumed, "by an operator"),
    ];
    let mut sorted = told.clone();
    sorted.retain(|(what, _)| *what != Noticed::Reset);
    // Which of two keys is tried first is chance.
    sorted[..2].sort_by_key(|(what, _)| *what == failed);
    assert_eq!(sorted, expected, "{told:?}");
    assert!(
        told.iter()
            .any(|(what, reason)| *what == Noticed::Reset
                && reason.contains("dropped 0 held events and 1 dead"))
    );
    let keys: Vec<_> =
        notices.iter().filter_map(|notice| notice.event.as_ref()).map(|(_, key)| key.to_string()).collect();
    assert_eq!(keys.iter().filter(|key| *key == "slow").count(), 4);
}
