//! One run: random acts of producers, workers, writer, reader, flusher, operator, and of bad luck.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;

use camshaft_engine::{Attempt, Batch, Committed, ConsumerSpec, Finished, Pause, ResetPlace, ResetTo};
use camshaft_event::transaction::{RedriveSelection, RedriveState, Section};
use camshaft_event::{
    AfterDeadLetter, Answer, AttemptContext, Breaker, Event, FailureCause, NewEvent, Offset, Rate, Sequence,
    Timestamp, Transaction,
};
use camshaft_log::testing::Random;
use camshaft_tables::Frozen;

use super::model::{Model, Place};
use crate::promises::harness::{World, event, reject, retry, spec, trap};

/// Events that producers know; each is published again and again.
const IDS: u64 = 300;

pub struct Run {
    world: World,
    random: Random,
    specs: Vec<ConsumerSpec>,
    /// Whether the operator seldom acts by hand.
    prefers_jobs: bool,
    /// The chances of handlers; none once all is to end well.
    chance: Rc<RefCell<Option<Random>>>,
    taken: Vec<Batch>,
    finished: Vec<Finished>,
    frozen: Option<Arc<Frozen>>,
    /// All transactions that the log ever held, except those that a crash took.
    history: Vec<Transaction>,
    /// Offsets that producers were promised, once the transaction is durable.
    unanswered: Vec<(Sequence, String, Offset)>,
    answered: Vec<(String, Offset)>,
    /// What happened at least once.
    seen: BTreeSet<&'static str>,
}

impl Run {
    pub fn new(seed: u64) -> Self {
        let mut world = World::with_segments(160 * 1024, |options| {
            options.max_transaction_bytes = 8 * 1024;
            options.max_event_bytes = 4 * 1024;
            options.window_events = 6;
            options.batch_events = 4;
            options.max_held_events = 6;
            options.max_timers = 2;
            options.max_hops = 2;
            options.detached_retention_ms = 400;
        });
        world.seed(seed);
        let mut parks = spec("parks", &["thing.*"]);
        parks.policy.max_attempts = 3;
        let mut goes_on = spec("goes-on", &["thing.happened", "thing.*", "reminder"]);
        goes_on.policy.after_dead_letter = AfterDeadLetter::Continue;
        goes_on.policy.max_age_ms = 300;
        let prefers_jobs = seed.is_multiple_of(4);
        if !prefers_jobs {
            goes_on.policy.breaker =
                Some(Breaker { failure_percent: 50, attempts: 4, pause_ms: 60, max_pause_ms: 200 });
            goes_on.policy.rate = Some(Rate { events: 5, per_ms: 60 });
        }
        let mut follows = spec("follows", &["followed"]);
        follows.policy.partitions = 1;
        let mut run = Self {
            world,
            random: Random::from_seed(seed),
            specs: vec![parks, goes_on, follows],
            prefers_jobs,
            chance: Rc::new(RefCell::new(Some(Random::from_seed(seed + 1)))),
            taken: Vec::new(),
            finished: Vec::new(),
            frozen: None,
            history: Vec::new(),
            unanswered: Vec::new(),
            answered: Vec::new(),
            seen: BTreeSet::new(),
        };
        (0..run.specs.len()).for_each(|at| run.attach(at));
        run
    }

    pub fn history(&self) -> &[Transaction] {
        &self.history
    }

    pub fn act(&mut self) {
        match self.random.below(100) {
            0..=19 => self.publish(),
            20..=33 => self.take(),
            34..=45 => self.run(),
            46..=57 => self.commit(),
            58..=65 => self.append(),
            66..=72 => self.sync(),
            73..=78 => {
                let has_read = self.world.read();
                self.note("lagging", has_read);
            }
            79..=83 => {
                self.world.clock.advance_ms(self.random.below(120));
                self.world.tick();
            }
            84..=88 => self.flush(),
            // These are refused where there is no room; a sync makes some.
            89..=91 => {
                self.sync();
                self.operate();
            }
            92 => {
                self.sync();
                self.pause_or_resume();
            }
            93..=94 => {
                self.sync();
                self.come_and_go();
            }
            95 if self.random.coin() => {
                self.sync();
                self.reset();
            }
            95..=96 => _ = self.world.sweep(5),
            97..=98 => {
                self.flush();
                self.flush();
                self.world.trim();
                let first_offset = self.world.sequencer().first_offset();
                self.note("trimmed", first_offset > Offset(0));
            }
            _ => self.crash(),
        }
    }

    /// Lets everything end well, and checks what came of it.
    pub fn end(&mut self) -> BTreeSet<&'static str> {
        self.check();
        *self.chance.borrow_mut() = None;
        self.crash();
        let now = self.world.now();
        for at in 0..self.specs.len() {
            self.attach(at);
            self.world.sequencer().resume(&self.specs[at].name, now).unwrap();
        }
        // Dead letters fill a consumer's bound, so several rounds may be needed.
        for _ in 0..40 {
            self.settle();
            let now = self.world.now();
            for name in self.specs.iter().map(|spec| spec.name.clone()) {
                for (offset, _) in self.world.dead(&name) {
                    self.world.sequencer().redrive(&name, offset, now).unwrap();
                }
            }
        }
        self.settle();
        let model = self.check();
        for known in model.consumers.values() {
            let spec = self.specs.iter().find(|spec| spec.name == known.record.name).unwrap();
            assert_eq!(known.timers.len(), 0);
            for (event, offset) in model.events.iter().zip((0..).map(Offset)) {
                if offset >= known.start && spec.wants(event) {
                    let place = known.places.get(&offset);
                    let ended = matches!(place, Some(Place::Done | Place::Discarded));
                    assert!(ended, "{} of {} is {place:?}", offset, known.record.name);
                }
            }
        }
        for (id, offset) in &self.answered {
            assert_eq!(model.events[offset.0 as usize].id, *id, "a producer was told so");
        }
        self.look_back(&model);
        std::mem::take(&mut self.seen)
    }

    // --- producers ---

    fn publish(&mut self) {
        let events: Vec<Event> = (0..1 + self.random.below(3)).map(|_| self.some_event()).collect();
        let ids: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
        let Ok(receipts) = self.world.try_publish(events) else { return };
        for (id, receipt) in ids.into_iter().zip(receipts.receipts) {
            self.note("duplicate", receipt.duplicate);
            self.unanswered.push((receipts.durable_at, id, receipt.offset));
        }
    }

    /// Its content follows from its id, so that it is a duplicate each time but the first.
    fn some_event(&mut self) -> Event {
        let id = self.random.below(IDS);
        let key = ["a", "b", "c", "d", "e", ""][(id % 6) as usize];
        let data = vec![b'x'; if id.is_multiple_of(2) { 3_500 } else { 10 }];
        Event { data, ..event(&format!("e{id}"), key) }
    }

    // --- workers ---

    fn take(&mut self) {
        if self.taken.len() + self.finished.len() < 3 {
            let taken = self.world.take();
            if let Some(batch) = &taken {
                let pauses = self.world.standing(&batch.spec.name).pauses;
                let now = self.world.now();
                for pause in pauses {
                    match pause {
                        Pause::Operator { .. } => panic!("{batch:?}"),
                        Pause::Breaker { until } => {
                            assert!(until <= now && batch.len() == 1, "{batch:?}");
                            self.note("on trial", true);
                        }
                        Pause::Bound => {}
                    }
                }
            }
            let throttled = self.world.sequencer().consumer_states();
            self.note("throttled", throttled.iter().any(|standing| standing.throttled_until.is_some()));
            self.taken.extend(taken);
        }
    }

    fn run(&mut self) {
        if !self.taken.is_empty() {
            let at = self.random.below(self.taken.len() as u64) as usize;
            let batch = self.taken.swap_remove(at);
            self.finished.push(self.world.run(batch));
        }
    }

    fn commit(&mut self) {
        if !self.finished.is_empty() {
            let at = self.random.below(self.finished.len() as u64) as usize;
            let finished = self.finished.swap_remove(at);
            let committed = self.world.commit(finished);
            assert_ne!(committed, Committed::Nothing);
            self.note("conflict", committed == Committed::Conflict);
            self.note("stale", committed == Committed::Stale);
        }
    }

    // --- writer and flusher ---

    fn append(&mut self) {
        self.world.append();
        let next = self.history.len() as u64 + 1;
        self.history.extend(self.world.transactions_from(next));
    }

    fn sync(&mut self) {
        self.append();
        self.world.sync_appended();
        let durable = self.world.sequencer().durable().sequence;
        let answers = self.unanswered.extract_if(.., |(at, ..)| *at <= durable);
        self.answered.extend(answers.map(|(_, id, offset)| (id, offset)));
    }

    fn flush(&mut self) {
        match self.frozen.take() {
            None => self.frozen = self.world.sequencer().freeze(),
            Some(frozen) => {
                self.sync();
                frozen.write(&*self.world.store).unwrap();
                // Now and then the process ends in between.
                if self.random.below(4) > 0 {
                    self.world.sequencer().flushed().unwrap();
                } else {
                    self.crash();
                }
            }
        }
    }

    // --- the operator ---

    fn operate(&mut self) {
        let name = self.some_name();
        let dead = self.world.dead(&name);
        match self.random.below(8) {
            0..=2 => return self.start_job(name),
            3 => return self.cancel_job(),
            // Some are left to jobs, in some runs most.
            _ if self.random.below(4) < 1 + 2 * u64::from(self.prefers_jobs) => return,
            _ => {}
        }
        if dead.is_empty() {
            return;
        }
        let (offset, _) = dead[self.random.below(dead.len() as u64) as usize];
        let now = self.world.now();
        if self.random.below(3) > 0 {
            self.world.sequencer().redrive(&name, offset, now).unwrap();
        } else {
            self.world.sequencer().discard(&name, offset, now).unwrap();
        }
    }

    /// A selection of some dead letters, at some rate.
    fn start_job(&mut self, consumer: String) {
        let now = self.world.now();
        let some_time =
            |random: &mut Random| (random.below(8) == 0).then(|| Timestamp(now.0 - random.below(900)));
        let types = [None, None, Some("thing.*"), Some("followed")];
        let reasons = [None, None, None, Some(FailureCause::Reject)];
        let selection = RedriveSelection {
            consumer,
            event_type: types[self.random.below(4) as usize].map(|pattern| pattern.parse().unwrap()),
            reason: reasons[self.random.below(4) as usize],
            since: some_time(&mut self.random),
            until: some_time(&mut self.random),
        };
        let rate = [0, 5, 20, 2_000][self.random.below(4) as usize];
        // Its consumer may have been removed, or have a job that runs.
        let _ = self.world.sequencer().start_redrive(selection, NonZeroU32::new(rate), now);
    }

    fn cancel_job(&mut self) {
        let now = self.world.now();
        let jobs = self.world.sequencer().redrive_jobs();
        let Some(status) = jobs.iter().find(|status| status.job.state == RedriveState::Running) else {
            return;
        };
        self.world.sequencer().cancel_redrive(status.job.id, now).unwrap();
    }

    fn pause_or_resume(&mut self) {
        let name = self.some_name();
        let now = self.world.now();
        // It may have been removed.
        if self.random.below(8) == 0 {
            let paused = self.world.sequencer().pause(&name, now);
            self.note("paused by hand", paused.is_ok());
        } else {
            let _ = self.world.sequencer().resume(&name, now);
        }
    }

    fn come_and_go(&mut self) {
        let at = self.random.below(self.specs.len() as u64) as usize;
        let name = self.specs[at].name.clone();
        if self.world.sequencer().is_attended(&name) {
            self.world.detach(&name);
        } else if self.random.below(8) == 0 {
            let now = self.world.now();
            // It may have been removed already.
            let _ = self.world.sequencer().remove(&name, now);
        } else {
            self.attach(at);
        }
    }

    fn attach(&mut self, at: usize) {
        let chance = Rc::clone(&self.chance);
        self.world.attach(self.specs[at].clone(), move |event, attempt| handle(event, attempt, &chance));
    }

    fn reset(&mut self) {
        let name = self.some_name();
        let (now, tail) = (self.world.now(), self.world.sequencer().sequenced().next_offset);
        let offset = Offset(self.random.below(tail.0 + 1));
        let keep_state = self.random.coin();
        // It may have been removed.
        let _ = self.world.sequencer().reset(
            &name,
            ResetTo { place: ResetPlace::Offset(offset), keep_state },
            now,
        );
    }

    fn some_name(&mut self) -> String {
        self.specs[self.random.below(self.specs.len() as u64) as usize].name.clone()
    }

    // --- bad luck ---

    fn crash(&mut self) {
        let durable = self.world.sequencer().durable().sequence.0 as usize;
        self.taken.clear();
        self.finished.clear();
        self.frozen = None;
        self.unanswered.clear();
        if self.random.coin() {
            self.world.kill();
        } else {
            self.world.crash();
        }
        self.world.restart();
        // What was recovered is durable; what was attached since is not yet.
        let survived = self.world.sequencer().durable().sequence.0 as usize;
        assert!(survived >= durable, "what was durable is there");
        let jobs = self.world.sequencer().redrive_jobs();
        let is_on_its_way = jobs.iter().any(|status| status.remaining > 0 && status.job.redriven > 0);
        self.note("job goes on after a crash", is_on_its_way);
        self.history.truncate(survived);
        self.append();
        assert_eq!(self.history.len(), self.world.sequencer().sequenced().sequence.0 as usize);
    }

    // --- the end ---

    fn settle(&mut self) {
        self.world.settle_all();
        self.sync();
    }

    fn note(&mut self, what: &'static str, is_so: bool) {
        if is_so {
            self.seen.insert(what);
        }
    }

    /// Notes what the log tells of.
    fn look_back(&mut self, model: &Model) {
        let has_type = |name: &str| model.events.iter().any(|event| event.event_type == name);
        let sections = self.history.iter().flat_map(|transaction| &transaction.sections);
        let failed: Vec<(FailureCause, String)> = sections
            .filter_map(|section| if let Section::Handled(handled) = section { Some(handled) } else { None })
            .flat_map(|handled| &handled.dead)
            .filter_map(|change| change.letter.as_ref()?.history.latest())
            .map(|attempt| (attempt.cause, attempt.error.clone()))
            .collect();
        self.note("dead letter", has_type("camshaft.dead-letter.added"));
        self.note("gap", has_type("camshaft.consumer.gap"));
        self.note("removed", has_type("camshaft.consumer.removed"));
        self.note("reset", has_type("camshaft.consumer.reset"));
        self.note("fired", has_type("reminder"));
        self.note("hops", failed.iter().any(|(cause, _)| *cause == FailureCause::Hops));
        self.note("too many timers", failed.iter().any(|(_, error)| error.contains("limits.max_timers")));
    }

    /// Compares what the engine says with what its log says.
    fn check(&mut self) -> Model {
        self.sync();
        let model = Model::of(&self.specs, &self.history);
        for known in model.consumers.values() {
            let Some(standing) = self.world.sequencer().consumer_state(&known.record.name) else { continue };
            let retrying = known.count(|place| matches!(place, Place::Held { attempts: 1.., .. }));
            let held = known.count(|place| matches!(place, Place::Held { attempts: 0, .. }));
            let dead = known.count(|place| matches!(place, Place::Dead { .. }));
            assert_eq!((standing.retrying, standing.held, standing.dead), (retrying, held, dead));
            assert_eq!((standing.timers, &standing.record), (known.timers.len(), &known.record));
            assert!(standing.timers <= 2);
            self.note("at the bound", held + retrying + dead >= 5);
            self.note("parked", held > 0 && known.count(|place| place == Place::Dead { parks: true }) > 0);
            self.note(
                "passed",
                known.count(|place| matches!(place, Place::Held { is_passed: true, .. })) > 0,
            );
            let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).unwrap();
            let expected: BTreeMap<_, _> =
                known.state.iter().map(|(key, value)| (text(key), text(value))).collect();
            let state = self.world.state(&known.record.name);
            assert_eq!(state, expected);
            // What handlers made of their state, reading what the one before wrote: a list of all they did.
            let done: Vec<String> = known.done.iter().map(Offset::to_string).collect();
            assert_eq!(state.get("all").cloned().unwrap_or_default(), done.join(" "));
        }
        self.check_jobs(&model);
        model
    }

    fn check_jobs(&mut self, model: &Model) {
        let jobs = self.world.sequencer().redrive_jobs();
        assert!(jobs.iter().map(|status| status.job.id).eq(model.redrives.jobs.keys().copied()));
        for (status, known) in jobs.iter().zip(model.redrives.jobs.values()) {
            let (job, results) = (&status.job, status.results);
            assert_eq!(
                (job.state, job.redriven, results),
                (known.job.state, known.job.redriven, known.results)
            );
            assert_eq!(job.selected, job.redriven + job.gone + status.remaining);
            assert!(results.handled + results.dead_again <= job.redriven);
            match job.state {
                RedriveState::Running => {
                    assert_eq!(status.remaining, model.redrives.ahead(job.id, &model.consumers));
                }
                RedriveState::Done => assert_eq!(status.remaining, 0),
                RedriveState::Cancelled => assert_eq!(*job, known.job),
            }
            self.note("job done", job.state == RedriveState::Done && job.redriven > 1);
            self.note("job cancelled", job.state == RedriveState::Cancelled && status.remaining > 0);
            self.note("job finds some gone", job.gone > 0 && job.redriven > 0);
            self.note("job counts handled", results.handled > 0);
            self.note("job counts dead again", results.dead_again > 0);
        }
    }
}

/// A handler that notes what it does, and has its moods.
fn handle(event: &Event, attempt: &mut Attempt, chance: &RefCell<Option<Random>>) -> Answer {
    let mut chance = chance.borrow_mut();
    let mut dice = |sides: u64| chance.as_mut().map_or(sides, |random| random.below(sides));
    let name = ["t1", "t2", "t3", "t4"][dice(4).min(3) as usize];
    // Limits may refuse these effects; the attempt is a reject then.
    if dice(2) == 0 {
        let _ = attempt.publish(NewEvent { event_type: "followed".into(), ..NewEvent::default() });
    }
    if dice(12) == 0 {
        let _ = attempt.publish(NewEvent { event_type: "thing.else".into(), ..NewEvent::default() });
    }
    if dice(6) == 0 {
        let at = attempt.now().plus_ms(dice(1_000));
        let _ = attempt.schedule(name, NewEvent { event_type: "reminder".into(), ..NewEvent::default() }, at);
    }
    if dice(12) == 0 {
        attempt.cancel(name).unwrap();
    }
    if dice(10) == 0 {
        let found = attempt.scan(b"key ", None, 3).unwrap();
        attempt.set(b"found", found.len().to_string().as_bytes()).unwrap();
    }
    if dice(4) == 0 {
        attempt.set(format!("key {name}").as_bytes(), b"1").unwrap();
    }
    if dice(10) == 0 {
        attempt.delete(format!("key {name}").as_bytes()).unwrap();
    }
    let mut all = attempt.get(b"all").unwrap().unwrap_or_default();
    if !all.is_empty() {
        all.push(b' ');
    }
    all.extend_from_slice(attempt.offset().to_string().as_bytes());
    attempt.set(b"all", &all).unwrap();
    let _ = event;
    match dice(20) {
        0..=2 => retry(),
        3..=5 => reject(),
        6 => trap(),
        _ => Answer::Done,
    }
}
