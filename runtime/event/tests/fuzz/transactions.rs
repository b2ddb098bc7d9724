//! Transactions: what is encoded is decoded unchanged, and whatever decodes can be encoded again.

use bolero::generator::ValueGenerator;
use bolero::{TypeGenerator, check, one_value_of, produce};
use camshaft_event::transaction::{
    Activated, Activation, ActivationHistory, ActivationOutcome, Body, ConsumerChanged, ConsumerRecord,
    ConsumerStatus, DeadChange, DecodeError, EncodedEvents, Fired, Floor, Handled, HeldChange, Intervention,
    Outcome, Probation, Published, RecentEvents, RedriveChange, RedriveChanged, RedriveJob, RedriveResults,
    RedriveSelection, RedriveState, Refolded, Section, StateWrite, TimerChange,
};
use camshaft_event::{
    ActivationId, AttemptHistory, AttemptInputs, ConsumerId, DeadLetter, Event, FailedAttempt, FailureCause,
    Generation, HeldEvent, Offset, RedriveId, Sequence, Timestamp, Transaction,
};

use super::built::{BuiltEvent, MOMENT};
use super::commands::{command_change, role, undecided};

/// A transaction to be.
#[derive(Clone, Debug, TypeGenerator)]
struct Shape {
    #[generator(few())]
    floors: Vec<(u32, u64, i64)>,
    #[generator(few())]
    sections: Vec<SectionShape>,
    /// How many sections are added, and taken back again, between the others.
    undone: u8,
}

#[derive(Clone, Debug, TypeGenerator)]
enum SectionShape {
    Published(#[generator(few())] Vec<BuiltEvent>),
    Handled(Box<HandledShape>),
    Fired(u32, String, Box<BuiltEvent>),
    Intervention(u32, #[generator(few())] Vec<HeldShape>, #[generator(few())] Vec<DeadShape>),
    Consumer(u32, String, u32, #[generator(0..3_u8)] u8, Option<u64>, bool),
    Activated(u64, String, #[generator(few())] Vec<(String, String)>, #[generator(few())] Vec<String>),
    Redrive(#[generator(few())] Vec<(u64, Option<JobShape>)>, #[generator(few())] Vec<(u64, u64)>),
    Refolded(u32, #[generator(few())] Vec<(Vec<u8>, Option<Vec<u8>>)>),
}

/// A redrive job by its numbers, each used where one is needed.
#[derive(Clone, Debug, TypeGenerator)]
struct JobShape {
    consumer: String,
    is_narrowed: bool,
    numbers: (u64, u64, u64),
    per_second: Option<std::num::NonZeroU32>,
    #[generator(one_value_of([RedriveState::Running, RedriveState::Done, RedriveState::Cancelled]))]
    state: RedriveState,
}

#[derive(Clone, Debug, TypeGenerator)]
struct HandledShape {
    consumer: u32,
    cause: u64,
    advances: Option<u32>,
    numbers: (u32, u64, u32, u64),
    #[generator(one_value_of([Outcome::Done, Outcome::Held, Outcome::Retrying, Outcome::DeadLettered, Outcome::Released, Outcome::Suspended]))]
    outcome: Outcome,
    #[generator(few())]
    events: Vec<BuiltEvent>,
    #[generator(few())]
    state: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    #[generator(few())]
    timers: Vec<(String, Option<(u64, BuiltEvent)>)>,
    #[generator(few())]
    held: Vec<HeldShape>,
    #[generator(few())]
    dead: Vec<DeadShape>,
}

type HeldShape = (u64, Option<(BuiltEvent, Option<u64>, StoryShape)>);
type DeadShape = (u64, Option<(BuiltEvent, bool, StoryShape, Vec<(Vec<u8>, Option<Vec<u8>>)>)>);

/// A story of up to 25 attempts, of which the history keeps twenty.
#[derive(Clone, Debug, TypeGenerator)]
struct StoryShape {
    #[generator(0..26_u32)]
    attempts: u32,
    number: u64,
    error: String,
    #[generator(one_value_of([
        FailureCause::Retry, FailureCause::Reject, FailureCause::Trap, FailureCause::Deadline, FailureCause::Memory,
        FailureCause::Stack, FailureCause::Refused, FailureCause::Hops, FailureCause::Panic,
        FailureCause::ProcessEnd, FailureCause::Conflict,
    ]))]
    cause: FailureCause,
}

fn probation(since: u64) -> Probation {
    let mut before = RecentEvents::of(ActivationId(since));
    for number in 0..since % 40 {
        let outcome = if number % 3 == 0 { Outcome::Retrying } else { Outcome::Done };
        let handled = Handled { activation: ActivationId(since), attempt: 1, outcome, ..Handled::default() };
        before.note(&handled, 30);
    }
    let (predecessor, since) = (ActivationId(since), Timestamp(since));
    Probation { since, predecessor, before, threshold_ppm: 50_000, stopped: false }
}

/// Some activations with different ends.
fn history(number: u32) -> ActivationHistory {
    let mut history = ActivationHistory::default();
    for id in 0..u64::from(number % 25) {
        history.begin(ActivationId(id), Timestamp(id));
        history.end(match id % 3 {
            0 => ActivationOutcome::Running,
            1 => ActivationOutcome::Detached { since: Timestamp(id) },
            _ => ActivationOutcome::Replaced { by: ActivationId(id + 1), at: Timestamp(id) },
        });
    }
    history
}

fn few<T: TypeGenerator>() -> impl ValueGenerator<Output = Vec<T>> {
    produce::<Vec<T>>().with().len(0..3_usize)
}

#[test]
fn any_bytes_are_a_transaction_or_a_refusal() {
    check!(name = "transaction").with_iterations(20_000).for_each(check_bytes);
}

#[test]
fn damaged_transactions_are_transactions_or_refusals() {
    let shapes = produce::<(Shape, [(u16, u8); 3], Option<u16>)>();
    check!().with_generator(shapes).with_test_time(MOMENT).for_each(|(shape, damages, cut)| {
        let mut bytes = shape.transaction().encode();
        for (at, byte) in damages {
            let at = usize::from(*at) % bytes.len();
            bytes[at] = *byte;
        }
        bytes.truncate(cut.map_or(usize::MAX, usize::from));
        check_bytes(&bytes);
    });
}

#[test]
fn what_is_encoded_is_decoded_unchanged_however_it_is_encoded() {
    check!().with_type::<Shape>().with_test_time(MOMENT).for_each(|shape| {
        let transaction = shape.transaction();
        let bytes = transaction.encode();
        let decoded = Transaction::decode(&bytes).unwrap();
        assert_eq!(decoded, transaction);
        assert_eq!(decoded.encode(), bytes, "the encoding is settled");
        let moved: Vec<Event> = decoded.sections.into_iter().flat_map(Section::into_events).collect();
        assert!(transaction.events().eq(&moved));
        assert_eq!(found(&bytes).unwrap(), moved);
        assert_eq!(usize::try_from(transaction.event_count()), Ok(moved.len()));
        let in_parts = shape.in_parts(&transaction);
        assert_eq!(Transaction::decode(&in_parts).unwrap(), transaction);
        assert_eq!(found(&in_parts).unwrap(), moved);
    });
}

/// The events, found one by one in the bytes.
fn found(bytes: &[u8]) -> Result<Vec<Event>, DecodeError> {
    EncodedEvents::of(bytes, Offset(0))?.map(|found| found.and_then(|(_, event)| event.decode())).collect()
}

fn check_bytes(bytes: &[u8]) {
    let found = found(bytes);
    match Transaction::decode(bytes) {
        Ok(transaction) => {
            let encoded = transaction.encode();
            assert_eq!(Transaction::decode(&encoded).unwrap(), transaction);
            if encoded == bytes {
                assert!(transaction.events().eq(&found.unwrap()));
            }
        }
        Err(DecodeError::Version { found }) => assert_eq!(bytes.first(), Some(&found)),
        Err(error @ DecodeError::Malformed(_)) => assert!(error.to_string().contains(": "), "{error}"),
    }
}

impl Shape {
    fn transaction(&self) -> Transaction {
        let floors = self.floors.iter().map(|(consumer, offset, state_growth)| Floor {
            consumer: ConsumerId(*consumer),
            offset: Offset(*offset),
            state_growth: *state_growth,
        });
        let sections = self.sections.iter().map(SectionShape::section);
        Transaction { floors: floors.collect(), sections: sections.collect() }
    }

    /// The bytes as a worker makes them: section by section, some of them taken back.
    fn in_parts(&self, transaction: &Transaction) -> Vec<u8> {
        let mut body = Body::default();
        for section in &transaction.sections {
            body.push(section);
            let (mark, size) = (body.mark(), body.len());
            (0..self.undone % 4).for_each(|_| body.push(section));
            body.undo(mark);
            assert_eq!(body.len(), size);
        }
        let mut bytes = Transaction::encode_head(&transaction.floors);
        bytes.append(&mut body.into_bytes());
        bytes
    }
}

impl SectionShape {
    fn section(&self) -> Section {
        match self.clone() {
            Self::Published(built) => Section::Published(Published { events: events(&built) }),
            Self::Handled(shape) => Section::Handled(Box::new(shape.handled())),
            Self::Fired(consumer, name, built) => {
                Section::Fired(Box::new(Fired { consumer: ConsumerId(consumer), name, event: built.event() }))
            }
            Self::Intervention(consumer, held, dead) => Section::Intervention(Box::new(Intervention {
                consumer: ConsumerId(consumer),
                held: held.iter().map(held_change).collect(),
                dead: dead.iter().map(dead_change).collect(),
                commands: vec![(Offset(u64::from(consumer)), undecided())],
                ..Intervention::default()
            })),
            Self::Consumer(id, name, number, status, checkpoint, clears) => {
                let record = ConsumerRecord {
                    id: ConsumerId(id),
                    name,
                    generation: Generation(number),
                    state_generation: Generation(number / 2),
                    partitions: number,
                    status: match status {
                        0 => ConsumerStatus::Attached,
                        1 => ConsumerStatus::Detached { since: Timestamp(u64::from(number)) },
                        _ => ConsumerStatus::Removed,
                    },
                    activation: ActivationId(u64::from(id)),
                    paused: clears.then_some(Timestamp(u64::from(id))),
                    pinned: clears.then(|| id.to_string()),
                    history: history(number),
                    probation: checkpoint.map(|since| Box::new(probation(since))),
                    role: role(number),
                };
                let checkpoint = checkpoint.map(Offset);
                Section::Consumer(Box::new(ConsumerChanged {
                    record,
                    checkpoint,
                    clears,
                    events: Vec::new(),
                    recent: clears.then(|| probation(u64::from(id)).before),
                }))
            }
            Self::Activated(number, text, config, grants) => {
                let activation = Activation {
                    id: ActivationId(number),
                    consumer: ConsumerId(7),
                    digest: text.clone(),
                    version: text,
                    config,
                    grants,
                    at: Timestamp(number),
                    state_revision: number,
                };
                Section::Activated(Box::new(Activated { activation, events: Vec::new() }))
            }
            Self::Redrive(jobs, results) => redrive(&jobs, &results),
            Self::Refolded(id, state) => Section::Refolded(Box::new(Refolded {
                consumer: ConsumerId(id),
                state_generation: Generation(id),
                state: state.iter().map(state_write).collect(),
            })),
        }
    }
}

fn state_write((key, value): &(Vec<u8>, Option<Vec<u8>>)) -> StateWrite {
    StateWrite { key: key.clone().into(), value: value.clone().map(Into::into) }
}

fn redrive(jobs: &[(u64, Option<JobShape>)], results: &[(u64, u64)]) -> Section {
    let change = |(id, job): &(u64, Option<JobShape>)| {
        let id = RedriveId(*id);
        RedriveChange { id, job: job.as_ref().map(|job| Box::new(job.job(id))) }
    };
    let result = |(id, count): &(u64, u64)| {
        (RedriveId(*id), RedriveResults { handled: *count, dead_again: count / 2 })
    };
    Section::Redrive(Box::new(RedriveChanged {
        jobs: jobs.iter().map(change).collect(),
        results: results.iter().map(result).collect(),
        events: Vec::new(),
    }))
}

impl JobShape {
    fn job(&self, id: RedriveId) -> RedriveJob {
        let (first, second, third) = self.numbers;
        let narrowed = |number| self.is_narrowed.then_some(Timestamp(number));
        let selection = RedriveSelection {
            consumer: self.consumer.clone(),
            event_type: self.is_narrowed.then(|| "order.*".parse().unwrap()),
            reason: self.is_narrowed.then_some(FailureCause::Trap),
            since: narrowed(first),
            until: narrowed(second),
        };
        RedriveJob {
            id,
            selection,
            as_of: Sequence(first),
            per_second: self.per_second,
            state: self.state,
            started_at: Timestamp(second),
            ended_at: narrowed(third),
            next: Offset(third),
            due_us: first,
            selected: second,
            redriven: third,
            gone: first,
        }
    }
}

impl HandledShape {
    fn handled(&self) -> Handled {
        let (state_generation, activation, attempt, at) = self.numbers;
        let timer = |(name, set): &(String, Option<(u64, BuiltEvent)>)| match set {
            Some((at, built)) => {
                TimerChange::Set { name: name.clone(), at: Timestamp(*at), event: Box::new(built.event()) }
            }
            None => TimerChange::Cancel { name: name.clone() },
        };
        Handled {
            consumer: ConsumerId(self.consumer),
            cause: Offset(self.cause),
            advances: self.advances,
            state_generation: Generation(state_generation),
            activation: ActivationId(activation),
            attempt,
            at: Timestamp(at),
            outcome: self.outcome,
            events: events(&self.events),
            state: self.state.iter().map(state_write).collect(),
            timers: self.timers.iter().map(timer).collect(),
            held: self.held.iter().map(held_change).collect(),
            dead: self.dead.iter().map(dead_change).collect(),
            again: attempt % 2 == 0,
            command: self.events.first().map(|built| Box::new(command_change(built, attempt))),
        }
    }
}

impl StoryShape {
    fn history(&self) -> AttemptHistory {
        let mut history = AttemptHistory::default();
        for attempt in 1..=self.attempts {
            let (at, activation) = (Timestamp(self.number), ActivationId(self.number));
            history.push(FailedAttempt::new(attempt, at, activation, self.cause, self.error.clone()));
        }
        history
    }
}

fn events(built: &[BuiltEvent]) -> Vec<Event> {
    built.iter().map(BuiltEvent::event).collect()
}

fn held_change((offset, held): &HeldShape) -> HeldChange {
    let event = held.as_ref().map(|(built, first_attempt, story)| {
        Box::new(HeldEvent {
            event: built.event(),
            attempts: story.attempts,
            first_attempt: first_attempt.map(Timestamp),
            due: Timestamp(story.number),
            redrives: story.attempts / 2,
            history: story.history(),
            redriven_by: first_attempt.map(RedriveId),
            sequenced_at: first_attempt.map(Timestamp),
            suspended: story.history().latest().cloned().map(Box::new),
            uncounted: story.attempts / 3,
            held_since: first_attempt.map(Timestamp),
        })
    });
    HeldChange { offset: Offset(*offset), event }
}

fn dead_change((offset, dead): &DeadShape) -> DeadChange {
    let letter = dead.as_ref().map(|(built, is_set, story, inputs)| {
        let inputs = inputs.iter().map(|(key, value)| (key.clone().into(), value.clone().map(Into::into)));
        Box::new(DeadLetter {
            event: built.event(),
            at: Timestamp(story.number),
            parks: *is_set,
            redrives: story.attempts,
            history: story.history(),
            inputs: AttemptInputs { state: inputs.collect(), truncated: *is_set },
            since: Sequence(story.number),
            sequenced_at: is_set.then_some(Timestamp(story.number)),
        })
    });
    DeadChange { offset: Offset(*offset), letter }
}
