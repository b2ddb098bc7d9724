//! Probation: a new version that fails more than the one before it did is taken back, and nothing of what it
//! failed is lost, counted or out of order.

mod applies;
mod at_the_end;
mod measures;
mod order;
mod passes;
mod retries;
mod rolls_back;
mod room;
mod sinks;
mod stops;
mod survives;

use camshaft_engine::{Attempt, ConsumerSpec, ProbationState, Verdict, VerdictOutcome};
use camshaft_event::transaction::{ActivationOutcome, Measure, RolledBack};
use camshaft_event::{Answer, AttemptContext, Event};

use super::harness::{World, note, reject, spec};

/// Events before which no version is rolled back.
const LEAST: usize = 20;
/// Milliseconds after which a probation is over.
const PROBATION_MS: u64 = 60_000;

/// The consumer as the plugin file with this digest declares it. Its configuration tells its code which that
/// is.
fn version(digest: &str) -> ConsumerSpec {
    let mut spec = ConsumerSpec { digest: digest.into(), ..spec("one", &["thing.*"]) };
    spec.config.insert("digest".into(), digest.into());
    spec.code = digest.bytes().map(u64::from).sum();
    spec
}

/// What all versions run: those whose digest begins with `b` answer `bad`, all others note what they see.
fn handler(bad: Answer) -> impl FnMut(&Event, &mut Attempt) -> Answer {
    move |event, attempt| {
        let is_bad = attempt.config("digest").unwrap().starts_with('b');
        if is_bad { bad.clone() } else { note(event, attempt) }
    }
}

fn attach(world: &mut World, digest: &str, bad: Answer) {
    world.attach(version(digest), handler(bad));
}

/// A world in which `a` has handled 20 events well, and `b` has taken its place.
fn replaced(bad: Answer) -> World {
    let mut world = World::new();
    attach(&mut world, "a", bad.clone());
    world.put_apart(1_000..1_020);
    world.settle();
    attach(&mut world, "b", bad);
    world.calls.borrow_mut().clear();
    world
}

fn rejecting() -> World {
    replaced(reject())
}

fn probation(world: &World) -> Option<ProbationState> {
    world.standing("one").probation
}

/// Events and failed ones that the version on probation was measured by.
fn measured(world: &World) -> (u32, u32) {
    let Measure { events, failed } = probation(world).unwrap().measured;
    (events, failed)
}

/// The digest of what runs.
fn running(world: &World) -> String {
    world.sequencer().current_activation("one").unwrap().unwrap().digest
}

fn rolled_back(world: &World) -> Option<RolledBack> {
    let past = world.sequencer().history("one").unwrap();
    past.into_iter().rev().find_map(|past| match past.outcome {
        ActivationOutcome::RolledBack(rolled_back) => Some(*rolled_back),
        _ => None,
    })
}

fn verdicts(world: &World) -> Vec<VerdictOutcome> {
    world.sequencer().take_verdicts().into_iter().map(|Verdict { outcome, .. }| outcome).collect()
}

/// Data of the system events of this type.
fn announced(world: &mut World, event_type: &str) -> Vec<serde_json::Value> {
    world.sync();
    let events = world.all_events().into_iter();
    let wanted = events.filter(|event| event.event_type == event_type);
    wanted.map(|event| serde_json::from_slice(&event.data).unwrap()).collect()
}

/// How many events the consumer has handled, and how many are with it otherwise.
fn ended(world: &World) -> (usize, (usize, usize, usize)) {
    let standing = world.standing("one");
    let handled = world.state("one").values().map(|list| list.split(' ').count()).sum();
    (handled, (standing.held, standing.retrying, standing.dead))
}
