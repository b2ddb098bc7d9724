//! Redrive jobs: which dead letters they take, how they go on, how they end, and that they survive.

mod ends;
mod goes_on;
mod survives;
mod takes;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::rc::Rc;

use camshaft_engine::RedriveStatus;
use camshaft_event::transaction::RedriveSelection;
use camshaft_event::{AfterDeadLetter, Offset, RedriveId};

use super::harness::{World, note, reject, spec};

/// Ids of events that a handler rejects until they are taken out.
pub type Bad = Rc<RefCell<BTreeSet<String>>>;

/// A consumer that notes what it handles, goes on behind dead letters, and rejects what is bad.
pub fn choosy_world() -> (World, Bad) {
    let mut world = World::new();
    let bad = Bad::default();
    attach(&mut world, &bad, AfterDeadLetter::Continue);
    (world, bad)
}

pub fn attach(world: &mut World, bad: &Bad, choice: AfterDeadLetter) {
    let is_bad = Rc::clone(bad);
    let mut declared = spec("choosy", &["thing.*"]);
    declared.policy.after_dead_letter = choice;
    world.attach(
        declared,
        move |event, attempt| {
            if is_bad.borrow().contains(&event.id) { reject() } else { note(event, attempt) }
        },
    );
}

/// Publishes events with these ids and keys, which become dead letters, and mends the handler.
pub fn bury(world: &mut World, bad: &Bad, ids: &[(&str, &str)]) -> Vec<Offset> {
    bad.borrow_mut().extend(ids.iter().map(|(id, _)| (*id).to_owned()));
    let offsets = ids.iter().map(|(id, key)| world.put(id, key)).collect();
    world.settle();
    bad.borrow_mut().clear();
    offsets
}

pub fn all() -> RedriveSelection {
    RedriveSelection {
        consumer: "choosy".to_owned(),
        event_type: None,
        reason: None,
        since: None,
        until: None,
    }
}

pub fn start(world: &mut World, selection: RedriveSelection, per_second: u32) -> RedriveId {
    let now = world.now();
    world.sequencer().start_redrive(selection, NonZeroU32::new(per_second), now).unwrap()
}

pub fn job(world: &World, id: RedriveId) -> RedriveStatus {
    world.sequencer().redrive_job(id).unwrap()
}

/// Selected, redriven, gone, remaining.
pub fn counts(world: &World, id: RedriveId) -> [u64; 4] {
    let status = job(world, id);
    [status.job.selected, status.job.redriven, status.job.gone, status.remaining]
}

pub fn redrive_by_hand(world: &mut World, offset: Offset) {
    let now = world.now();
    world.sequencer().redrive("choosy", offset, now).unwrap();
}

pub fn dead(world: &World) -> Vec<Offset> {
    world.dead("choosy").into_iter().map(|(offset, _)| offset).collect()
}
