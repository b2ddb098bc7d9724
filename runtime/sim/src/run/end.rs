//! The end of a run: everything is let end well, and what came of it is compared with the model, and with
//! what a process makes of the log alone.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use camshaft_engine::FactsError;
use camshaft_event::transaction::RedriveState;
use camshaft_event::{CommandOutcome, Event, Offset, Refusal};

use super::Run;
use crate::Summary;
use crate::delivery::Delivery;
use crate::faults::Fault;
use crate::model::{Known, Model, Place};
use crate::process::{Machine, Process};
use crate::sharing;
use crate::store::SimStore;

/// Rounds after which a run that should have come to rest never will.
const MOST_ROUNDS: usize = 20_000;

/// Dead letters fill a consumer's bound, so several rounds of redriving may be needed.
const REDRIVES: usize = 40;

impl Run {
    pub(super) fn end(mut self) -> Summary {
        self.chance = None;
        self.machine.disk.set_capacity(None);
        self.restart();
        for _ in 0..REDRIVES {
            self.end_damage();
            // What failed before may still stop a version that is on probation.
            self.resume_all();
            self.settle();
            self.redrive_all();
        }
        self.end_damage();
        self.resume_all();
        self.settle();
        assert!(
            self.process.sequencer().damaged().is_empty(),
            "everybody has gone on without what is damaged"
        );
        if self.keeps_long {
            self.age();
            self.send_late();
        }
        let model = self.check();
        model.check_complete();
        self.look_back(&model);
        let tables = self.compare_tables();
        let mut hasher = DefaultHasher::new();
        for transaction in &self.history {
            transaction.encode().hash(&mut hasher);
        }
        tables.hash(&mut hasher);
        Summary {
            events: self.tail(),
            transactions: self.history.len() as u64,
            digest: hasher.finish(),
            faults: self.faults,
        }
    }

    /// Ends the process, and attaches all consumers in the next one.
    pub(super) fn restart(&mut self) {
        self.crash();
        self.settle();
        for at in 0..self.consumers.len() {
            assert!(self.attach(at), "there is room for everyone at the end");
        }
        self.settle();
        self.end_damage();
        self.resume_all();
        self.settle();
    }

    /// Lets everybody work until nothing is left to do, now or later.
    pub(super) fn settle(&mut self) {
        for _ in 0..MOST_ROUNDS {
            self.process.tick();
            self.hear_verdicts();
            let mut has_worked = self.process.read().expect("a sound disk can be read");
            if self.take() {
                has_worked = true;
                self.run_batch();
                self.commit();
            }
            has_worked |= self.step_call();
            let before = self.history.len();
            self.sync();
            has_worked |= self.history.len() > before;
            self.flush_whole();
            let has_something = {
                let sequencer = self.process.sequencer();
                sequencer.has_work() || sequencer.has_calls()
            };
            if has_worked || has_something {
                continue;
            }
            let next_due = self.process.sequencer().next_due();
            match next_due {
                Some(due) => self.machine.clock.pass_until(due),
                None => return,
            }
        }
        panic!("the run does not come to rest");
    }

    pub(super) fn flush_whole(&mut self) {
        let frozen = self.process.sequencer().freeze();
        if let Some(frozen) = frozen {
            self.sync();
            frozen.write(&*self.machine.store).expect("a store with room takes a snapshot");
            assert!(self.process.sequencer().flushed().is_some(), "what was flushed was frozen");
        }
    }

    pub(super) fn redrive_all(&mut self) {
        let now = self.now();
        let names: Vec<String> = self.consumers.iter().map(|declared| declared.spec.name.clone()).collect();
        for name in names {
            for offset in self.process.dead_letters(&name) {
                let redriven = self.process.sequencer().redrive(&name, offset, now);
                redriven.expect("a listed dead letter can be redriven");
                self.sync();
            }
        }
    }

    /// What the engine says of consumers is what the log says.
    pub(super) fn check_standings(&mut self, model: &Model) {
        for known in model.consumers.values() {
            let name = &known.record.name;
            let Some(standing) = self.process.sequencer().consumer_state(name) else { continue };
            let has_failed = |place| {
                matches!(place, Place::Held { attempts: 1.., .. } | Place::Held { suspended_by: Some(_), .. })
            };
            let retrying = known.count(has_failed);
            let held = known.count(|place| matches!(place, Place::Held { .. })) - retrying;
            let dead = known.count(|place| matches!(place, Place::Dead { .. }));
            assert_eq!(
                (standing.retrying, standing.held, standing.dead),
                (retrying, held, dead),
                "events of {name} that are retried, held and dead"
            );
            let first_held = known.first(|place| matches!(place, Place::Held { .. }));
            let oldest_held = standing.oldest_held.map(|held| held.first.offset);
            assert_eq!(oldest_held, first_held, "the oldest event of {name} that is held");
            assert_eq!((standing.timers, &standing.record), (known.timers.len(), &known.record));
            if let Some(probation) = standing.probation {
                let suspended = known.count(|place| place.waits_for_probation(&known.record));
                let expected = (known.versions.measured(), suspended);
                assert_eq!((probation.measured, probation.waiting), expected, "the probation of {name}");
                self.note_if(Fault::Suspended, suspended > 0);
                let uncounted = known.count(|place| matches!(place, Place::Held { uncounted: 1.., .. }));
                self.note_if(Fault::RetriedOnProbation, uncounted > 0);
            }
            assert!(standing.timers <= self.machine.options.max_timers, "timers of {name}");
            assert!(
                held + retrying + dead <= self.machine.options.max_held_events + 1,
                "{name} holds too much"
            );
            model.check_checkpoint(known.record.id, standing.checkpoint);
            let bound = self.machine.options.max_held_events;
            let parking = known.count(|place| place == Place::Dead { parks: true });
            self.note_if(Fault::Parked, parking > 0 && held > 0);
            let passed = known.count(|place| matches!(place, Place::Held { is_passed: true, .. }));
            self.note_if(Fault::Passed, passed > 0);
            self.note_if(Fault::AtBound, held + dead >= bound);
            let Some(state) = self.process.state(name) else { continue };
            assert!(state == known.state, "the state of {name} is not what its committed effects add up to");
            self.check_lists(known, &model.events);
            let (shared, id) = (self.process.shared(), known.record.id);
            model.check_facts(id, |scope, version| {
                shared.fact_offset(id, scope, version).expect("the tables can be read")
            });
            model.check_fact_events(id, |scope, after| match shared.facts(id, scope, after, 1) {
                Ok(facts) => facts.into_iter().next().map(|fact| (fact.offset, fact.event)),
                Err(FactsError::Log(error)) if error.is_damage() => None,
                Err(FactsError::Lost { offset }) if self.was_spoiled(offset) => None,
                Err(error) => panic!("a fact is in the log, or was kept: {error}"),
            });
        }
    }

    /// Whether the record with this offset was damaged once, perhaps before its facts were to be copied.
    fn was_spoiled(&self, offset: Offset) -> bool {
        self.once_spoiled.iter().any(|range| range.contains(&offset))
    }

    /// What handlers made of their state, reading what the one before wrote: lists of all they did.
    fn check_lists(&self, known: &Known, events: &[Event]) {
        let name = &known.record.name;
        let Some(sharing) = self.sharing(name) else { return };
        let mut expected: BTreeMap<Vec<u8>, Vec<String>> = BTreeMap::new();
        for offset in known.done.iter().filter(|offset| !sharing.only_reads(**offset)) {
            let event = usize::try_from(offset.0).ok().and_then(|at| events.get(at));
            let event = event.expect("what is done lies in the log");
            let list = sharing::list(&sharing.scope(event, *offset));
            expected.entry(list).or_default().push(offset.to_string());
        }
        let all = sharing::list("");
        let listed = known.state.iter().filter(|(key, _)| key.starts_with(&all));
        let listed: BTreeMap<_, _> = listed.map(|(key, done)| (key.clone(), done.clone())).collect();
        let expected = expected.into_iter().map(|(list, done)| (list, done.join(" ").into_bytes()));
        assert!(listed == expected.collect(), "{name} does not see what it did: {listed:?}");
    }

    /// What the engine says of redrive jobs is what the log says.
    pub(super) fn check_jobs(&mut self, model: &Model) {
        let jobs = self.process.sequencer().redrive_jobs();
        assert!(jobs.iter().map(|status| status.job.id).eq(model.redrives.jobs.keys().copied()));
        for (status, known) in jobs.iter().zip(model.redrives.jobs.values()) {
            let (job, results) = (&status.job, status.results);
            let counted = (job.state, job.redriven, results);
            assert_eq!(counted, (known.job.state, known.job.redriven, known.results), "job {}", job.id);
            assert_eq!(job.selected, job.redriven + job.gone + status.remaining, "job {}", job.id);
            assert!(results.handled + results.dead_again <= job.redriven, "job {}", job.id);
            let ahead = model.redrives.ahead(job.id, &model.consumers);
            match job.state {
                RedriveState::Running => assert_eq!(status.remaining, ahead, "job {}", job.id),
                RedriveState::Done => assert_eq!(status.remaining, 0, "job {}", job.id),
                RedriveState::Cancelled => assert_eq!(*job, known.job, "job {}", job.id),
            }
            self.note_if(Fault::JobDone, job.state == RedriveState::Done && job.redriven > 1);
            self.note_if(Fault::JobFoundGone, job.gone > 0 && job.redriven > 0);
            self.note_if(Fault::DeadAgain, results.dead_again > 0);
        }
    }

    /// Notes what the log tells of.
    fn look_back(&mut self, model: &Model) {
        for decision in model.commands.decisions.values() {
            self.note(match &decision.outcome {
                CommandOutcome::Accepted { .. } => Fault::CommandAccepted,
                CommandOutcome::Refused(refusal) if refusal.code == Refusal::EXPIRED => Fault::CommandExpired,
                CommandOutcome::Refused(_) => Fault::CommandRefused,
                CommandOutcome::Mismatch { .. } => Fault::CommandMismatched,
                CommandOutcome::Discarded => Fault::CommandDiscarded,
            });
        }
        (0..model.commands.decided_again).for_each(|_| self.note(Fault::CommandRedriven));
        self.note_if(Fault::CommandSeen, model.commands.are_seen);
        let refolded: u64 = model.consumers.values().map(|known| known.scopes.refolded).sum();
        (0..refolded).for_each(|_| self.note(Fault::Refolded));
        for event in &model.events {
            let is_plugins = |event: &Event| event.source.starts_with("/plugins/");
            match event.event_type.as_str() {
                "camshaft.dead-letter.added" => self.note(Fault::DeadLetter),
                "camshaft.consumer.gap" => self.note(Fault::Gap),
                "reminder" if is_plugins(event) => self.note(Fault::TimerFired),
                _ => {}
            }
        }
    }

    /// The tables as they are, as a restart from the snapshot makes them, and (unless it was trimmed) as the
    /// log alone makes them are the same, to the byte.
    fn compare_tables(&mut self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.mend();
        let live = self.tables();
        self.restart_on(Arc::new(self.machine.store.copy()));
        check_equal(&live, &self.tables(), "after a restart");
        let is_whole = self.process.sequencer().first_offset() == Offset(0);
        if is_whole {
            self.restart_on(Arc::new(SimStore::default()));
            check_equal(&live, &self.tables(), "as the log alone makes them");
        }
        live
    }

    fn restart_on(&mut self, store: Arc<SimStore>) {
        self.machine = Machine { disk: self.machine.disk.after_kill(), store, ..self.machine.clone() };
        self.process = Process::start(&self.machine).expect("a sound machine starts");
        self.delivery = Delivery::default();
        let before = self.history.len();
        for at in 0..self.consumers.len() {
            assert!(self.attach(at), "there is room after a restart");
        }
        self.settle();
        assert_eq!(self.history.len(), before, "a restart adds nothing");
    }

    /// All entries, flushed and swept, but where consumers stand: a snapshot may know better than the log
    /// before it.
    fn tables(&mut self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        const FLOOR: u8 = 4;
        self.flush_whole();
        self.process.sweep(usize::MAX);
        let mut entries = self.machine.store.dump();
        entries.retain(|key, _| key.first() != Some(&FLOOR));
        entries
    }
}

fn check_equal(live: &BTreeMap<Vec<u8>, Vec<u8>>, other: &BTreeMap<Vec<u8>, Vec<u8>>, when: &str) {
    for key in live.keys().chain(other.keys()) {
        let (live, other) = (live.get(key), other.get(key));
        assert_eq!(live, other, "entry {key:?} of the tables as they were and {when}");
    }
}
