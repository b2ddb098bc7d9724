//! Publishing: a producer's events are checked against the dedupe index and take their place.

use std::collections::HashMap;
use std::sync::Arc;

use camshaft_event::transaction::{Published, Section};
use camshaft_event::{
    EffectError, Event, EventHash, InvalidExpiry, Limit, Offset, Sequence, Timestamp, Transaction,
    expectations, expiry, reserved,
};
use camshaft_sabotage::{Sabotage, is_on};
use camshaft_tables::store::Store;
use camshaft_tables::{KnownIdentity, StoredCommand, Tables, TablesError};
use thiserror::Error;

use super::{Sequencer, Unready};
use crate::EngineOptions;

/// What a producer learns of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Where the event lies; where the first equal one lies, if this is a duplicate.
    pub offset: Offset,
    /// Whether it was known already; then nothing was appended.
    pub duplicate: bool,
    /// How many attached consumers want it, by type and filter.
    pub wanted_by: usize,
}

/// The receipts of one publish, and what must be durable before they may be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipts {
    /// One per event, in order.
    pub receipts: Vec<Receipt>,
    /// IMPORTANT: no receipt leaves the process before this transaction is durable.
    pub durable_at: Sequence,
}

/// Why a publish was refused. Nothing of it was appended.
#[derive(Debug, Error)]
pub enum PublishRefusal {
    /// A type or source that only the runtime may use.
    #[error("{what} is reserved for the runtime")]
    Reserved {
        /// Which of the events, from 0.
        index: usize,
        /// The reserved part.
        what: String,
    },
    /// The same source and id with other content.
    #[error("the event at offset {offset} has the same source and id, but different content")]
    Conflict {
        /// Which of the events, from 0.
        index: usize,
        /// Where the first one lies.
        offset: Offset,
    },
    /// Two of the events have the same source and id, but different content.
    #[error("events {first} and {index} of the batch have the same source and id, but different content")]
    ConflictWithin {
        /// The later one, from 0.
        index: usize,
        /// The earlier one, from 0.
        first: usize,
    },
    /// The type is a command type: events of this type cannot be published.
    #[error("\"{command_type}\" is a command of \"{owner}\"")]
    CommandType {
        /// Which of the events, from 0.
        index: usize,
        /// The type.
        command_type: String,
        /// The consumer that owns it.
        owner: String,
    },
    /// No consumer that is attached owns the command type.
    #[error("no plugin that runs owns command \"{command_type}\"")]
    NoOwner {
        /// Which of the commands, from 0.
        index: usize,
        /// The type.
        command_type: String,
        /// The detached consumer that owns it, if there is one.
        detached: Option<String>,
    },
    /// The time until which a command may be decided is none.
    #[error("{reason}")]
    Expiry {
        /// Which of the commands, from 0.
        index: usize,
        /// What is wrong.
        reason: InvalidExpiry,
    },
    /// One event is too large.
    #[error("the event has {bytes} bytes, more than the limit of {limit}")]
    EventTooLarge {
        /// Which of the events, from 0.
        index: usize,
        /// Its size.
        bytes: usize,
        /// `limits.max_event_bytes`.
        limit: usize,
    },
    /// The versions that a command expects are not valid.
    #[error("command {index}: {reason}")]
    Expectation {
        /// The place of the command in the batch.
        index: usize,
        /// The reason.
        reason: String,
    },
    /// An event has a type that an aggregate records.
    #[error("event {index}: facts of type \"{event_type}\" are recorded by \"{owner}\" only")]
    FactType {
        /// The place of the event in the batch.
        index: usize,
        /// The type.
        event_type: String,
        /// The aggregate.
        owner: String,
    },
    /// The owner of the command records facts, and there is no room for more.
    #[error("the facts take {bytes} bytes and reach the limit of {limit}")]
    KeptFull {
        /// The place of the command in the batch.
        index: usize,
        /// The size of all facts.
        bytes: u64,
        /// `limits.max_kept_bytes`.
        limit: u64,
    },
    /// All of them together are too large for one transaction.
    #[error("the batch needs a transaction of {bytes} bytes, more than the limit of {limit}")]
    TransactionTooLarge {
        /// Its size.
        bytes: usize,
        /// `limits.max_transaction_bytes`.
        limit: usize,
    },
    /// Not now; it heals by itself.
    #[error(transparent)]
    Unready(#[from] Unready),
    /// The tables cannot be read; the runtime must stop.
    #[error(transparent)]
    Tables(#[from] TablesError),
}

/// What was looked up and encoded for a publish outside the critical section.
#[derive(Debug)]
pub struct Probe {
    events: Vec<Event>,
    hashes: Vec<EventHash>,
    stored: Vec<Option<KnownIdentity>>,
    /// The same by the identities of commands; empty for events.
    commands: Vec<StoredCommand>,
    /// Whether the events are commands.
    are_commands: bool,
    /// The snapshot that `stored` was read at, or later.
    snapshot: Sequence,
    body: Vec<u8>,
}

impl Probe {
    /// Checks and encodes `events`, and looks them up in the store. Called without the sequencer's lock;
    /// `snapshot` is [`Tables::snapshot`]'s sequence, read before.
    ///
    /// # Errors
    /// Events that can never be published, or a store that cannot be read.
    pub fn new<S: Store>(
        events: Vec<Event>,
        max_event_bytes: usize,
        max_transaction_bytes: usize,
        store: &Arc<S>,
        snapshot: Sequence,
    ) -> Result<Self, PublishRefusal> {
        for (index, event) in events.iter().enumerate() {
            check_reserved(index, event)?;
            check_size(index, event, max_event_bytes)?;
        }
        Self::checked(events, false, max_transaction_bytes, store, snapshot)
    }

    /// The same for commands: it marks the events as commands.
    ///
    /// # Errors
    /// Commands that can never be sent, or a store that cannot be read.
    pub fn of_commands<S: Store>(
        mut commands: Vec<Event>,
        options: &EngineOptions,
        store: &Arc<S>,
        snapshot: Sequence,
    ) -> Result<Self, PublishRefusal> {
        for (index, command) in commands.iter_mut().enumerate() {
            check_reserved(index, command)?;
            expiry(command).map_err(|reason| PublishRefusal::Expiry { index, reason })?;
            check_expectations(index, command, options)?;
            command.set_extension(reserved::COMMAND, reserved::IS_COMMAND);
            check_size(index, command, options.max_event_bytes)?;
        }
        Self::checked(commands, true, options.max_transaction_bytes, store, snapshot)
    }

    fn checked<S: Store>(
        events: Vec<Event>,
        are_commands: bool,
        max_transaction_bytes: usize,
        store: &Arc<S>,
        snapshot: Sequence,
    ) -> Result<Self, PublishRefusal> {
        let hashes: Vec<EventHash> = events.iter().map(Event::hash).collect();
        let (stored, commands) = stored(store.as_ref(), &hashes, are_commands)?;
        let mut published = Published { events };
        let section = Section::Published(std::mem::take(&mut published));
        let body = Transaction::encode_body(std::slice::from_ref(&section));
        if body.len() > max_transaction_bytes {
            return Err(PublishRefusal::TransactionTooLarge {
                bytes: body.len(),
                limit: max_transaction_bytes,
            });
        }
        Ok(Self { events: section.into_events(), hashes, stored, commands, are_commands, snapshot, body })
    }

    /// Whether the event has this content, though its hash is another one. Seldom asked.
    fn has_content(&self, index: usize, content: u64) -> bool {
        self.events.get(index).is_some_and(|event| event.has_content(content))
    }
}

/// What the store knows of events with these hashes. A command is also known by the tables of commands, if
/// it was held, dead or decided later than the log reaches.
fn stored<S: Store>(
    store: &S,
    hashes: &[EventHash],
    are_commands: bool,
) -> Result<(Vec<Option<KnownIdentity>>, Vec<StoredCommand>), TablesError> {
    let identity = |hash: &EventHash| Tables::stored_identity(store, hash.identity);
    let command = |hash: &EventHash| Tables::stored_command(store, hash.identity);
    let commands = if are_commands { hashes } else { &[] };
    Ok((
        hashes.iter().map(identity).collect::<Result<_, _>>()?,
        commands.iter().map(command).collect::<Result<_, _>>()?,
    ))
}

fn check_reserved(index: usize, event: &Event) -> Result<(), PublishRefusal> {
    let source = event.source.as_str();
    let found = if reserved::is_type(&event.event_type) {
        Some(format!("type \"{}\"", event.event_type))
    } else if reserved::is_source(source) {
        Some(format!("source \"{source}\""))
    } else {
        let found = event.extensions.iter().find(|(name, _)| reserved::EXTENSIONS.contains(&name.as_str()));
        found.map(|(name, _)| format!("extension \"{name}\""))
    };
    match found {
        Some(what) => Err(PublishRefusal::Reserved { index, what }),
        None => Ok(()),
    }
}

fn check_expectations(index: usize, command: &Event, options: &EngineOptions) -> Result<(), PublishRefusal> {
    let refuse = |reason: String| PublishRefusal::Expectation { index, reason };
    let expected = expectations(command).map_err(|error| refuse(error.to_string()))?;
    let limit = |kind: Limit, actual: usize, limit: usize| {
        let error = EffectError::Limit { kind, actual: actual as u64, limit: limit as u64 };
        if actual <= limit { Ok(()) } else { Err(refuse(format!("expect: {error}"))) }
    };
    limit(Limit::Scopes, expected.len(), options.max_scopes)?;
    let longest = expected.iter().map(|expected| expected.scope.name().len()).max().unwrap_or_default();
    limit(Limit::ScopeName, longest, options.max_scope_bytes)
}

fn check_size(index: usize, event: &Event, limit: usize) -> Result<(), PublishRefusal> {
    let bytes = event.size();
    if bytes > limit { Err(PublishRefusal::EventTooLarge { index, bytes, limit }) } else { Ok(()) }
}

impl<S: Store> Sequencer<S> {
    /// Publishes what was probed. All of it or nothing.
    ///
    /// # Errors
    /// A conflict, or a bound that is reached; [`PublishRefusal::Unready`] may be tried again with the probe.
    pub fn publish(&mut self, probe: &mut Probe, now: Timestamp) -> Result<Receipts, PublishRefusal> {
        if probe.snapshot != self.tables.snapshot().sequence {
            // A flush moved identities from memory into the store since the probe looked there.
            let store = self.tables.store().as_ref();
            (probe.stored, probe.commands) = stored(store, &probe.hashes, probe.are_commands)?;
            probe.snapshot = self.tables.snapshot().sequence;
        }
        let (receipts, fresh) = self.receipts(probe)?;
        if fresh == 0 {
            return Ok(Receipts { receipts, durable_at: self.tables.progress().sequence });
        }
        self.check_ready(probe.body.len())?;
        let mut events = std::mem::take(&mut probe.events);
        let mut body = std::mem::take(&mut probe.body);
        if fresh < events.len() {
            let mut keep = receipts.iter().map(|receipt| !receipt.duplicate);
            events.retain(|_| keep.next().unwrap_or(false));
            body.clear();
        }
        let section = Section::Published(Published { events });
        if body.is_empty() {
            body = Transaction::encode_body(std::slice::from_ref(&section));
        }
        let sequenced = self.step(now, |sequencer| sequencer.sequence(Vec::new(), vec![section], body, now));
        let mut durable_at = sequenced?;
        if is_on(Sabotage::AnswerBeforeSync) {
            durable_at = self.durability.durable().sequence;
        }
        Ok(Receipts { receipts, durable_at })
    }

    /// What each event's receipt will be, and how many events are new.
    fn receipts(&self, probe: &Probe) -> Result<(Vec<Receipt>, usize), PublishRefusal> {
        let first = self.tables.progress().next_offset;
        let mut fresh = 0;
        // New ones of this batch, with their index.
        let mut within: HashMap<u128, (usize, KnownIdentity)> = HashMap::new();
        let mut receipts = Vec::with_capacity(probe.hashes.len());
        for (index, (hash, stored)) in probe.hashes.iter().zip(&probe.stored).enumerate() {
            let wanted_by = probe.events.get(index).map_or(0, |event| self.wanted_by(event));
            let earlier = within.get(&hash.identity).copied();
            let known = earlier
                .map(|(_, known)| known)
                .or_else(|| self.tables.recent_identity(hash.identity))
                .or(*stored)
                // Beyond the horizon an event is forgotten with the log that held it.
                .filter(|known| known.offset >= self.first_offset)
                .or_else(|| self.known_command(hash.identity, probe.commands.get(index)?));
            match known {
                Some(known) if known.content == hash.content || probe.has_content(index, known.content) => {
                    receipts.push(Receipt { offset: known.offset, duplicate: true, wanted_by });
                }
                Some(known) => {
                    return Err(match earlier {
                        // Nothing is appended, so its offset will be that of another event.
                        Some((first, _)) => PublishRefusal::ConflictWithin { index, first },
                        None => PublishRefusal::Conflict { index, offset: known.offset },
                    });
                }
                None => {
                    self.check_owner(index, probe)?;
                    let offset = first.plus(fresh as u64);
                    fresh += 1;
                    if probe.hashes.len() > 1 {
                        let known = KnownIdentity { offset, content: hash.content };
                        within.insert(hash.identity, (index, known));
                    }
                    receipts.push(Receipt { offset, duplicate: false, wanted_by });
                }
            }
        }
        Ok((receipts, fresh))
    }

    /// A command that was held, dead or decided, and that the log may hold no longer.
    fn known_command(&self, hash: u128, stored: &StoredCommand) -> Option<KnownIdentity> {
        self.tables.known_command(hash, stored, self.first_offset)
    }

    /// Whether an event that is new may be published, or a command sent: commands only to their owners, and
    /// other events not with a type that is a command.
    fn check_owner(&self, index: usize, probe: &Probe) -> Result<(), PublishRefusal> {
        let Some(event_type) = probe.events.get(index).map(|event| &event.event_type) else { return Ok(()) };
        let command_type = || event_type.clone();
        if let Some(owner) = self.recorder(event_type) {
            let owner = owner.to_owned();
            return Err(PublishRefusal::FactType { index, event_type: command_type(), owner });
        }
        match (probe.are_commands, self.owner(event_type)) {
            (false, None) => Ok(()),
            (true, Some((_, true))) => self.check_kept(index, event_type),
            (false, Some((owner, _))) => {
                let owner = owner.to_owned();
                Err(PublishRefusal::CommandType { index, command_type: command_type(), owner })
            }
            (true, owner) => {
                let detached = owner.map(|(owner, _)| owner.to_owned());
                Err(PublishRefusal::NoOwner { index, command_type: command_type(), detached })
            }
        }
    }
    /// Refuses a command whose decision could record facts while there is no room for more.
    fn check_kept(&self, index: usize, command_type: &str) -> Result<(), PublishRefusal> {
        let (bytes, limit) = (self.tables.fact_bytes(), self.options.max_kept_bytes);
        if bytes < limit {
            return Ok(());
        }
        let owner = self.owners.of_command(command_type).and_then(|owner| self.consumers.get(owner));
        match owner.is_some_and(|owner| !owner.record.role.records().is_empty()) {
            true => Err(PublishRefusal::KeptFull { index, bytes, limit }),
            false => Ok(()),
        }
    }
}
