//! A consumer at run time: what it has been routed, what it holds, and which partition's turn it is.
//!
//! All it waits for it waits for in steady time: each `now` here, in its tokens, its circuit and its held
//! keys is that.

mod batches;
mod contention;
mod dead_letters;
mod last_failure;
mod lateness;
mod probation;
mod window;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use camshaft_event::transaction::{ConsumerRecord, ConsumerStatus, RecentEvents};
use camshaft_event::{Event, Key, Offset, Scope, ScopeFacts, Sequence, Timestamp};
use camshaft_sabotage::{Sabotage, is_on};
use camshaft_tables::StateSpace;

use crate::circuit::Circuit;
use crate::clock::SteadyTime;
use crate::damage::Damage;
use crate::executor::Executor;
use crate::held_keys::HeldKeys;
use crate::partition::Partition;
use crate::schedule::Place;
use crate::suspects::Suspects;
use crate::tokens::Tokens;
use crate::{ConsumerSpec, EngineOptions, Sequenced};
pub(crate) use contention::Contention;
pub(crate) use dead_letters::{DeadEntry, DeadLetters};
pub use last_failure::LastFailure;
pub(crate) use lateness::Lateness;
pub(crate) use probation::{Judgement, Watch};
use window::Window;

/// The scopes that are folded again to try out new code of an aggregate.
const RECENT_SCOPES: usize = 32;

/// Where a consumer takes its new events from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Each new event is offered to it as it is sequenced: its read position is the end of the log.
    Following,
    /// It reads the log itself, next from this offset.
    Lagging { next: Offset, requested: bool },
    /// Nobody handles for it; its read position stays here.
    Stopped { next: Offset },
}

#[derive(Debug)]
pub(crate) struct Consumer {
    pub(crate) record: ConsumerRecord,
    /// What runs; absent while detached.
    pub(crate) spec: Option<Arc<ConsumerSpec>>,
    pub(crate) reading: Reading,
    pub(crate) partitions: Vec<Partition>,
    /// Partitions with work, in the order of their turns.
    pub(crate) ready: VecDeque<u32>,
    pub(crate) held: HeldKeys,
    pub(crate) dead: DeadLetters,
    /// What was routed to it and not taken yet.
    window: Window,
    pub(crate) running: Running,
    /// The last transaction that wrote its state.
    pub(crate) state_version: Sequence,
    pub(crate) contention: Contention,
    /// Whether a partition was passed over because held events and dead letters are at their bound.
    stalled: bool,
    pub(crate) circuit: Circuit,
    /// What it needs and cannot read. In memory only: a start finds it again.
    pub(crate) damage: Vec<Damage>,
    /// Which of its pauses have been announced.
    pub(crate) told: Told,
    /// What its rate limit leaves, if it has one.
    pub(crate) tokens: Option<Tokens>,
    /// Where it stands in the schedule.
    pub(crate) place: Place,
    /// Whether it was changed and is not settled yet.
    pub(crate) is_changed: bool,
    pub(crate) suspects: Suspects,
    /// Whether its calls hold workers for long.
    pub(crate) lateness: Lateness,
    /// How its newest activation does.
    pub(crate) watch: Watch,
    /// Until when it takes nothing, since its last batch found no instance.
    pub(crate) short_until: Option<Timestamp>,
    /// How an attempt of it failed last.
    last_failure: Option<LastFailure>,
    /// The commands among its held events and dead letters that it has to decide, with their types.
    pub(crate) undecided: BTreeMap<Offset, String>,
    /// The scopes that decisions recorded facts about, the last one at the end; each once.
    pub(crate) recent_scopes: Vec<Scope>,
}

/// What of a consumer is being run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Running {
    pub(crate) batches: usize,
    /// Events in these.
    pub(crate) events: usize,
}

/// The pauses that were announced last: each is announced once as it begins, and once as it ends.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    /// That held events and dead letters are at their bound.
    pub(crate) bound: bool,
    /// That the circuit is not closed.
    pub(crate) circuit: bool,
    /// That something is damaged.
    pub(crate) damage: bool,
}

impl Consumer {
    pub(crate) fn new(record: ConsumerRecord, next: Offset) -> Self {
        let suspends = record.probation.as_ref().map(|_| record.activation);
        let recent = RecentEvents::of(record.activation);
        let mut held = HeldKeys::default();
        held.suspend(suspends);
        let partitions =
            (0..record.partitions).map(|_| Partition { done_before: next, ..Partition::default() }).collect();
        Self {
            record,
            spec: None,
            reading: Reading::Stopped { next },
            partitions,
            ready: VecDeque::new(),
            held,
            dead: DeadLetters::default(),
            window: Window::default(),
            running: Running::default(),
            state_version: Sequence::default(),
            contention: Contention::default(),
            stalled: false,
            circuit: Circuit::default(),
            damage: Vec::new(),
            told: Told::default(),
            tokens: None,
            place: Place::default(),
            is_changed: false,
            suspects: Suspects::new(),
            lateness: Lateness::default(),
            watch: Watch::of(recent),
            short_until: None,
            last_failure: None,
            undecided: BTreeMap::new(),
            recent_scopes: Vec::new(),
        }
    }

    /// The ordering key of an event for this consumer.
    pub(crate) fn key(&self, event: &Event, offset: Offset) -> Key {
        self.record.role.key(event, offset)
    }

    pub(crate) fn space(&self) -> StateSpace {
        StateSpace { consumer: self.record.id, generation: self.record.state_generation }
    }

    pub(crate) fn is_attached(&self) -> bool {
        self.spec.is_some() && self.record.status == ConsumerStatus::Attached
    }

    /// Whether it is attached by its record, but no code was attached since the start.
    pub(crate) fn is_unattended(&self) -> bool {
        self.spec.is_none() && self.record.status == ConsumerStatus::Attached
    }

    /// Who runs its events.
    pub(crate) fn executor(&self) -> Executor {
        self.spec.as_ref().map_or(Executor::Workers, |spec| Executor::of(&spec.policy))
    }

    /// How many calls it may have under way, if it is a sink.
    fn max_in_flight(&self) -> Option<usize> {
        let sink = self.spec.as_ref()?.policy.sink?;
        Some(usize::try_from(sink.max_in_flight).unwrap_or(usize::MAX).max(1))
    }

    /// Whether it takes nothing for a while. Its lag then costs no memory: it lies in the log.
    pub(crate) fn is_paused(&self) -> bool {
        let by_hand = self.record.paused.is_some() && !is_on(Sabotage::IgnorePause);
        by_hand || self.is_damaged() || self.circuit.blocks_until().is_some()
    }

    /// Whether it needs something that cannot be read.
    pub(crate) fn is_damaged(&self) -> bool {
        !self.damage.is_empty()
    }

    /// Whether all that the tables hold of it could be read at the start.
    pub(crate) fn is_whole(&self) -> bool {
        !self.damage.iter().any(|damage| damage.at_start)
    }

    /// Forgets damage to the events that it was to read next: they are asked for again, if it still wants
    /// them.
    pub(crate) fn forget_read_damage(&mut self) {
        self.damage.retain(|damage| !damage.is_of_events());
    }

    /// Whether more new events may be routed to it.
    pub(crate) fn has_window(&self, options: &EngineOptions) -> bool {
        !self.is_paused() && self.window.has_room(options)
    }

    /// Whether so little is left that it should read on.
    pub(crate) fn wants_more(&self, options: &EngineOptions) -> bool {
        !self.is_paused() && self.window.is_low(options)
    }

    /// Whether held events and dead letters are at their bound; then it takes no new events, since lag costs
    /// nothing. Every new event in flight may become one more.
    fn is_at_bound(&self, options: &EngineOptions, taken: usize) -> bool {
        let events = self.held.counts().0 + self.dead.len() + self.running.events + taken;
        events >= options.max_held_events || self.held.bytes() + self.dead.bytes() >= options.max_held_bytes
    }

    /// Whether a pause has begun or ended that is not announced yet.
    pub(crate) fn has_news(&self, options: &EngineOptions) -> bool {
        self.is_damaged() != self.told.damage
            || self.circuit.on_trial_from().is_some() != self.told.circuit
            || self.begins_to_stall()
            || self.ends_its_stall(options)
    }

    /// Whether it has stopped reading since the last announcement.
    pub(crate) fn begins_to_stall(&self) -> bool {
        self.stalled && !self.told.bound
    }

    /// Whether it has stopped reading and there is room again: a good deal of it, so that a consumer at the
    /// edge does not announce itself with every event.
    pub(crate) fn ends_its_stall(&self, options: &EngineOptions) -> bool {
        let is_low = |actual: usize, limit: usize| actual <= limit / 4 * 3;
        self.told.bound
            && is_low(self.held.counts().0 + self.dead.len(), options.max_held_events)
            && is_low(self.held.bytes() + self.dead.bytes(), options.max_held_bytes)
    }

    /// Puts a new event that it wants into its partition, unless it is done already.
    pub(crate) fn push(&mut self, event: Sequenced) {
        let number = self.key(&event.event, event.offset).partition(self.record.partitions);
        let Some(partition) = self.partitions.get_mut(number as usize) else { return };
        if event.offset < partition.done_before {
            return;
        }
        self.window.add(event.event.size());
        partition.pending.push_back(event);
        self.enqueue(number);
    }

    /// Gives `number` a turn if it has work and no batch running.
    pub(crate) fn enqueue(&mut self, number: u32) {
        let Some(partition) = self.partitions.get_mut(number as usize) else { return };
        if !partition.queued && partition.running.is_none() && partition.has_work() {
            partition.queued = true;
            self.ready.push_back(number);
        }
    }

    /// When it has something to do that it has not now.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        if !self.is_attached() {
            return None;
        }
        let work = if self.record.paused.is_some() || self.is_damaged() {
            None
        } else {
            let later = self.circuit.blocks_until().or_else(|| self.next_token());
            later.or_else(|| self.held.next_due())
        };
        work.into_iter().chain(self.short_until).chain(self.probation_until()).min()
    }

    /// When its rate limit lets it take anything; none if it may now.
    pub(crate) fn next_token(&self) -> Option<Timestamp> {
        self.tokens.as_ref().and_then(Tokens::next)
    }

    /// The same, if there is work that waits for it.
    pub(crate) fn throttled_until(&self) -> Option<Timestamp> {
        self.next_token().filter(|_| self.is_attached() && !self.is_paused() && !self.ready.is_empty())
    }

    /// Brings what depends on the time up to it: ends a pause of the circuit that is over, adds tokens, and
    /// moves held keys that have come due into their partitions.
    pub(crate) fn wake(&mut self, now: Timestamp) {
        self.circuit.wake(now);
        self.short_until = self.short_until.filter(|until| *until > now);
        if let Some(tokens) = &mut self.tokens {
            tokens.refill(now);
        }
        if self.is_paused() {
            return;
        }
        for key in self.held.take_due(now) {
            let number = key.partition(self.record.partitions);
            if let Some(partition) = self.partitions.get_mut(number as usize) {
                partition.due.push_back(key);
            }
            self.enqueue(number);
        }
    }

    /// Whether a batch could be taken now.
    pub(crate) fn is_ready(&self) -> bool {
        if !self.is_attached() || self.is_paused() || self.watch.fails() || self.short_until.is_some() {
            return false;
        }
        if self.next_token().is_some() {
            return false;
        }
        let alone = self.running.batches == 0;
        if self.circuit.trial().is_some() && !alone {
            return false;
        }
        if self.max_in_flight().is_some_and(|most| self.running.batches >= most) {
            return false;
        }
        match self.contention.first() {
            None => !self.ready.is_empty() && (alone || !self.contention.is_serial()),
            Some(_) => alone,
        }
    }

    /// Every event before this offset is done, held or dead.
    pub(crate) fn floor(&self, tail: Offset) -> Offset {
        let read = match self.reading {
            Reading::Following => tail,
            Reading::Lagging { next, .. } | Reading::Stopped { next } => next,
        };
        if is_on(Sabotage::AdvanceCheckpoint) {
            return tail;
        }
        self.first_open().map_or(read, |(offset, _)| offset.min(read))
    }

    /// Lets no event wait longer for its next attempt from `now` on than it was to wait in all, nor until it
    /// is older than `max_age`. The wall clock may have been set back since a process that has ended wrote
    /// when it is due, `max_age` may have been more, and older versions let handlers ask for any time.
    pub(crate) fn bound_retries(&mut self, steady: &SteadyTime, now: Timestamp) {
        let Some(max_age_ms) = self.spec.as_ref().map(|spec| spec.policy.max_age_ms) else { return };
        let oldest = |first_attempt: Timestamp| steady.from_wall(first_attempt.plus_ms(max_age_ms));
        self.held.bound(|entry| {
            let planned = now.plus_ms(entry.wait_ms);
            entry.first_attempt.map_or(planned, |first| oldest(first).min(planned))
        });
    }

    /// The first event that was routed to it and is neither done, held nor dead, and when it was sequenced.
    pub(crate) fn first_open(&self) -> Option<(Offset, Timestamp)> {
        self.partitions.iter().filter_map(Partition::first_open).min()
    }

    /// Notes the scopes that a decision recorded facts about.
    pub(crate) fn note_scopes(&mut self, scopes: &[ScopeFacts]) {
        for ScopeFacts { scope, .. } in scopes.iter().filter(|scope| !scope.facts.is_empty()) {
            self.recent_scopes.retain(|known| known != scope);
            self.recent_scopes.push(scope.clone());
        }
        let surplus = self.recent_scopes.len().saturating_sub(RECENT_SCOPES);
        self.recent_scopes.drain(..surplus);
    }

    /// Notes a held event or dead letter: a command that is undecided, if this consumer decides commands.
    pub(crate) fn note_undecided(&mut self, offset: Offset, event: &Event) {
        if self.record.role.answers() {
            self.undecided.entry(offset).or_insert_with(|| event.event_type.clone());
        }
    }

    pub(crate) fn add_dead(&mut self, offset: Offset, entry: DeadEntry) {
        if entry.parks {
            self.held.park(&entry.key, offset);
        }
        self.dead.insert(offset, entry);
    }

    pub(crate) fn remove_dead(&mut self, offset: Offset) -> Option<DeadEntry> {
        let entry = self.dead.remove(offset)?;
        if entry.parks {
            self.held.unpark(&entry.key, offset);
        }
        Some(entry)
    }

    /// Gives every partition its turn again once held events and dead letters are below their bound.
    pub(crate) fn unstall(&mut self, options: &EngineOptions) {
        if self.stalled && !self.is_at_bound(options, 0) {
            self.stalled = false;
            (0..self.record.partitions).for_each(|number| self.enqueue(number));
        }
    }
}
