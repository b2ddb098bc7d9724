//! What a log must look like, told without partitions, windows, batches, caches or snapshots: an event is
//! done once, in the order of its key, or it waits, or it is a dead letter.
//!
//! It panics with what is wrong. It knows nothing of how the engine works; all it has is the log, what the
//! consumers were declared to want, and what their handlers did with their state.

mod commands;
mod held;
mod known;
mod probation;
mod reads;
mod redrives;
mod scopes;

use std::collections::{BTreeMap, HashMap};

use camshaft_engine::ConsumerSpec;
use camshaft_event::reserved::HOPS;
use camshaft_event::transaction::{
    Activation, ConsumerChanged, ConsumerRecord, ConsumerStatus, Handled, Intervention, Outcome, Section,
};
use camshaft_event::{ActivationId, ConsumerId, Event, Key, Offset, Sequence, Transaction};

pub(crate) use commands::{Commands, Standing};
pub(crate) use known::{Known, Place};
pub(crate) use probation::fails;
use probation::{Tried, Versions};
pub(crate) use reads::{AttemptRecord, Operation, failure, is_uncalled};
pub(crate) use redrives::Redrives;

#[derive(Default)]
pub(crate) struct Model {
    specs: BTreeMap<String, ConsumerSpec>,
    pub(crate) events: Vec<Event>,
    pub(crate) sequence: Sequence,
    pub(crate) commands: Commands,
    /// What each consumer wants of each key, in log order.
    queues: BTreeMap<(String, Key), Vec<Offset>>,
    pub(crate) consumers: BTreeMap<ConsumerId, Known>,
    /// Where the latest event of each source and id lies.
    identities: HashMap<(String, String), Offset>,
    pub(crate) redrives: Redrives,
    activations: BTreeMap<ActivationId, Activation>,
    /// The chain to which the event of each timer belongs.
    timer_links: BTreeMap<(ConsumerId, String), Link>,
}

/// What an event follows from.
#[derive(Clone, Copy)]
struct Link {
    cause: Offset,
    hops: u32,
}

impl Model {
    /// A model of consumers that were only ever declared so, before the first transaction. `begun` says where
    /// the log began when commands were sent.
    pub(crate) fn new(specs: &[ConsumerSpec], begun: BTreeMap<Offset, Offset>) -> Self {
        let specs = specs.iter().map(|spec| (spec.name.clone(), spec.clone())).collect();
        Self { specs, commands: Commands::new(begun), ..Self::default() }
    }

    /// Reads the next transaction. `first_offset` is where the log begins now: what lies before may be
    /// published again. `attempts` is what the handlers called for it did; none if they were compared in an
    /// earlier model.
    pub(crate) fn apply(
        &mut self,
        transaction: &Transaction,
        first_offset: Offset,
        attempts: Option<&[AttemptRecord]>,
    ) {
        self.sequence = self.sequence.next();
        self.redrives.sequence = self.sequence.0;
        for section in &transaction.sections {
            let link = match section {
                Section::Handled(handled) => {
                    self.handled(handled, attempts);
                    Some(self.link(handled.cause, 0))
                }
                Section::Intervention(intervention) => {
                    self.intervened(intervention);
                    None
                }
                Section::Consumer(changed) => {
                    self.changed(changed, first_offset);
                    None
                }
                Section::Fired(fired) => {
                    let known = self.consumers.get_mut(&fired.consumer).expect("a timer's consumer is known");
                    assert!(known.timers.remove(&fired.name).is_some(), "only a timer that is set fires");
                    self.timer_links.remove(&(fired.consumer, fired.name.clone()))
                }
                Section::Redrive(changed) => {
                    self.redrives.changed(changed, &self.consumers);
                    None
                }
                Section::Activated(activated) => {
                    let activation = activated.activation.clone();
                    let known = self.activations.insert(activation.id, activation);
                    assert_eq!(known, None, "no number is given twice");
                    None
                }
                Section::Refolded(refolded) => {
                    self.refolded(refolded);
                    None
                }
                Section::Published(_) => None,
            };
            section.events().for_each(|event| self.skipped(event));
            for event in section.events() {
                self.check_chain(event, link);
                self.add(event, first_offset);
            }
        }
        self.redrives.check();
        for floor in &transaction.floors {
            self.check_checkpoint(floor.consumer, floor.offset);
        }
    }

    /// An operator let a consumer go on without damaged events: those that it had not looked at yet are given
    /// up.
    fn skipped(&mut self, event: &Event) {
        if event.event_type != "camshaft.consumer.skipped" {
            return;
        }
        let data: serde_json::Value = serde_json::from_slice(&event.data).expect("the runtime writes JSON");
        let (Some(from), Some(until)) = (data["from"].as_u64(), data["until"].as_u64()) else { return };
        let name = data["consumer"].as_str().expect("it says whose they are");
        let known = self.consumers.values_mut().find(|known| known.record.name == name);
        let known = known.expect("who skips is known");
        for offset in (from..until).map(Offset) {
            known.places.entry(offset).or_insert(Place::Discarded);
        }
    }

    fn add(&mut self, event: &Event, first_offset: Offset) {
        let offset = Offset(self.events.len() as u64);
        self.sent(event, offset, first_offset);
        let identity = (event.source.clone(), event.id.clone());
        if let Some(earlier) = self.identities.insert(identity, offset) {
            assert!(earlier < first_offset, "event {offset} has the source and id of event {earlier}");
        }
        for (name, spec) in self.specs.iter().filter(|(_, spec)| spec.wants(event)) {
            self.queues.entry((name.clone(), spec.role.key(event, offset))).or_default().push(offset);
        }
        self.events.push(event.clone());
    }

    /// The link to an event that follows from the event at `cause`, `delay_ms` after its attempt.
    fn link(&self, cause: Offset, delay_ms: u64) -> Link {
        let origin = self.events.get(cause.0 as usize).expect("a cause lies in the log");
        let hops = origin.extension(HOPS).map_or(0, |hops| hops.parse().expect("hops are a number"));
        Link { cause, hops: if delay_ms < 1_000 { hops + 1 } else { 0 } }
    }

    /// What a handler published says what it follows from, and how many hops it lies from the first event.
    fn check_chain(&self, event: &Event, link: Option<Link>) {
        let followed = link.and_then(|link| Some((link, self.events.get(link.cause.0 as usize)?)));
        let Some((link, origin)) = followed else {
            assert!(!event.source.starts_with("/plugins/"), "{} has no cause", event.id);
            return;
        };
        assert_eq!(event.extension("causationid"), Some(origin.id.as_str()), "the cause of {}", event.id);
        let correlation = event.extension(Event::CORRELATION);
        assert_eq!(correlation, Some(&*origin.correlation()), "the correlation of {}", event.id);
        assert_eq!(event.extension(HOPS), Some(&*link.hops.to_string()), "the hops of {}", event.id);
    }

    /// What lies before a checkpoint is done, held or dead.
    pub(crate) fn check_checkpoint(&self, consumer: ConsumerId, checkpoint: Offset) {
        let Some(known) = self.consumers.get(&consumer) else { return };
        let Some(spec) = self.specs.get(&known.record.name) else { return };
        for (event, offset) in self.events.iter().zip((0..).map(Offset)).take(checkpoint.0 as usize) {
            let passed = offset >= known.start && spec.wants(event) && !known.places.contains_key(&offset);
            assert!(!passed, "the checkpoint {checkpoint} of {} passes {offset}", known.record.name);
        }
    }

    /// What a consumer wants of the key of the event at `offset`, in log order.
    fn queue(&self, record: &ConsumerRecord, offset: Offset) -> &[Offset] {
        let event = self.events.get(offset.0 as usize).expect("what is handled lies in the log");
        let queue = self.queues.get(&(record.name.clone(), record.role.key(event, offset)));
        queue.map(Vec::as_slice).unwrap_or_default()
    }

    fn changed(&mut self, changed: &ConsumerChanged, first_offset: Offset) {
        let record = changed.record.clone();
        let unborn =
            ConsumerRecord { activation: ActivationId::default(), probation: None, ..record.clone() };
        if let Some(known) = self.consumers.get(&record.id) {
            self.check_given_up(known, &record, first_offset);
        }
        let known = self.consumers.entry(record.id).or_insert_with(|| Known::new(unborn));
        let begins_anew = record.generation != known.record.generation;
        assert_eq!(changed.clears, begins_anew && !known.is_removed(), "a new generation begins empty");
        let is_told = |act: &str| changed.events.iter().any(|event| event.event_type == act);
        if !known.is_removed() && record.paused.is_some() != known.record.paused.is_some() {
            let act = if record.paused.is_some() { "paused" } else { "resumed" };
            assert!(is_told(&format!("camshaft.consumer.{act}")), "{} is {act} unsaid", record.name);
        }
        if !known.is_removed() && record.pinned != known.record.pinned {
            let act = if record.pinned.is_some() { "pinned" } else { "unpinned" };
            assert!(is_told(&format!("camshaft.plugin.{act}")), "{} is {act} unsaid", record.name);
        }
        if record.status == ConsumerStatus::Removed {
            known.versions = Versions::default();
        } else {
            known.versions.changed(&known.record, &record, &self.activations);
        }
        if begins_anew {
            known.versions.begin_anew();
            known.released.clear();
            known.places.clear();
            known.timers.clear();
            self.redrives.clear(record.id);
            self.timer_links.retain(|(consumer, _), _| *consumer != record.id);
        }
        if record.state_generation != known.record.state_generation {
            known.state.clear();
            known.done.clear();
        }
        known.start = changed.checkpoint.unwrap_or(known.start);
        known.record = record;
    }

    fn handled(&mut self, handled: &Handled, attempts: Option<&[AttemptRecord]>) {
        self.check_order(handled);
        self.command_handled(handled, attempts);
        self.redrives.handled(handled);
        let known = self.consumers.get_mut(&handled.consumer).expect("the consumer that handles is known");
        let before = known.places.get(&handled.cause).copied();
        let is_suspended = before.is_some_and(|place| place.waits_for_probation(&known.record));
        assert!(!is_suspended, "{} is tried while it waits for the end of a probation", handled.cause);
        let was_released = matches!(before, Some(Place::Released { .. }));
        if let Some(attempts) = attempts.filter(|_| reads::is_outcome_of_reads(handled, was_released)) {
            let attempt = attempts.iter().find(|attempt| attempt.offset == handled.cause);
            let attempt = attempt.unwrap_or_else(|| panic!("no handler was called for {}", handled.cause));
            attempt.check(handled, &known.state);
        }
        let (attempts, uncounted) = match (before, handled.advances) {
            (None, Some(_)) => (0, 0),
            (Some(Place::Held { attempts, uncounted, .. }), None) => (attempts, uncounted),
            (Some(Place::Released { attempts }), None) => (attempts, 0),
            (before, advances) => {
                panic!("{handled:?} of an event that is {before:?}, advancing {advances:?}")
            }
        };
        let attempt = Tried { was_released, uncounted };
        let uncounted = known.versions.handled(handled, &attempt, &known.record);
        held::check_wait(handled, self.specs.get(&known.record.name));
        let number = if handled.outcome == Outcome::Held { 0 } else { attempts + 1 };
        assert_eq!(handled.attempt, number, "attempts are counted");
        assert_eq!(handled.state_generation, known.record.state_generation, "state is of its generation");
        let after = match handled.outcome {
            Outcome::Done => Place::Done,
            Outcome::Held => Place::Held { attempts: 0, uncounted: 0, is_passed: false, suspended_by: None },
            Outcome::Released => {
                *known.released.entry(handled.cause).or_default() += 1;
                Place::Released { attempts }
            }
            Outcome::Retrying => {
                let is_passed = matches!(before, Some(Place::Held { is_passed: true, .. }));
                Place::Held { attempts: number, uncounted, is_passed, suspended_by: None }
            }
            Outcome::Suspended => {
                let is_passed = matches!(before, Some(Place::Held { is_passed: true, .. }));
                Place::Held { attempts, uncounted, is_passed, suspended_by: Some(handled.activation) }
            }
            Outcome::DeadLettered => {
                let letter = handled.dead.first().and_then(|change| change.letter.as_ref());
                Place::Dead { parks: letter.expect("a dead letter has its letter").parks }
            }
        };
        known.places.insert(handled.cause, after);
        self.scopes_handled(handled, Offset(self.events.len() as u64));
        let known = self.consumers.get_mut(&handled.consumer).expect("the consumer that handles is known");
        if handled.outcome == Outcome::Done {
            known.take_effects(handled);
            for change in &handled.timers {
                let (name, due) = known::timer(change);
                self.timer_links.remove(&(handled.consumer, name.to_owned()));
                if let Some(due) = due {
                    let link = self.link(handled.cause, due.ms_since(handled.at));
                    self.timer_links.insert((handled.consumer, name.to_owned()), link);
                }
            }
        } else {
            let is_announcement = |event: &Event| event.source == "/camshaft";
            assert!(handled.state.is_empty() && handled.timers.is_empty(), "effects of a failed attempt");
            assert!(handled.events.iter().all(is_announcement), "events of a failed attempt");
        }
    }

    /// Events of one key are tried one after another, in log order.
    fn check_order(&self, handled: &Handled) {
        let known = self.consumers.get(&handled.consumer).expect("the consumer that handles is known");
        let cause = handled.cause;
        let queue = self.queue(&known.record, cause);
        assert!(queue.contains(&cause), "nobody asked for {cause}");
        for offset in queue.iter().take_while(|offset| **offset < cause) {
            match known.places.get(offset) {
                Some(Place::Done | Place::Discarded | Place::Dead { parks: false }) => {}
                // Its call has ended, or is lost with its process.
                Some(Place::Released { .. }) => {}
                Some(Place::Held { is_passed: true, .. }) => {}
                None if *offset < known.start => {}
                place if handled.outcome == Outcome::Held => {
                    assert!(place.is_some(), "{cause} is passed before {offset} is looked at");
                }
                place => panic!("{cause} is tried while {offset} of its key is {place:?}"),
            }
        }
    }

    fn intervened(&mut self, intervention: &Intervention) {
        if held::is_act(intervention) {
            assert!(intervention.commands.is_empty(), "what is freed waits on for its decision");
            self.freed(intervention);
            return;
        }
        self.commands_intervened(intervention);
        self.redrives.intervened(intervention.consumer, &intervention.dead, &intervention.held);
        let known =
            self.consumers.get_mut(&intervention.consumer).expect("whose dead letters they are is known");
        for change in &intervention.dead {
            let Some(Place::Dead { parks }) = known.places.get(&change.offset).copied() else {
                panic!("{} is no dead letter", change.offset)
            };
            let place = if intervention.held.is_empty() {
                Place::Discarded
            } else {
                Place::Held { attempts: 0, uncounted: 0, is_passed: !parks, suspended_by: None }
            };
            known.places.insert(change.offset, place);
        }
    }

    /// Every event that a consumer wanted has ended well.
    pub(crate) fn check_complete(&self) {
        for known in self.consumers.values() {
            let Some(spec) = self.specs.get(&known.record.name) else { continue };
            assert_eq!(known.timers.len(), 0, "every timer has fired");
            for (event, offset) in self.events.iter().zip((0..).map(Offset)) {
                if offset >= known.start && spec.wants(event) {
                    let place = known.places.get(&offset);
                    let ended =
                        matches!(place, Some(Place::Done | Place::Released { .. } | Place::Discarded));
                    assert!(ended, "{offset} of {} is {place:?}", known.record.name);
                }
            }
        }
    }
}
