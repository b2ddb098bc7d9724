//! Commands in the tables: decisions by offset, and identities that outlive the log.
//!
//! A decision is kept for one retention from its writing. A command that is held or dead keeps its identity
//! until it is decided, and then as long as the decision: the same command is never executed twice. The last
//! command of each type shows whether its owner has read all of them.

use std::ops::ControlFlow;

use camshaft_event::{CommandChange, CommandOutcome, EventHash, Offset, ScopeVersion, Sequence};
use camshaft_sabotage::{Sabotage, is_on};
use serde::{Deserialize, Serialize};

use crate::apply::encode;
use crate::read::decode;
use crate::store::Store;
use crate::{KnownIdentity, Tables, TablesError, keys};

const DAMAGED: TablesError = TablesError::Damaged { what: "command" };

/// A decision about a command, as the tables keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The decision.
    pub outcome: CommandOutcome,
    /// The offset of the first event that the decision published.
    pub first_fact: Offset,
    /// How many events it published; they follow one another.
    pub facts: u32,
    /// The scopes that it read or recorded about, with their versions after it.
    #[serde(default)]
    pub scopes: Vec<ScopeVersion>,
}

/// What the store knows of a command that was held, dead or decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoredCommand {
    /// The command, if it is held or dead.
    undecided: Option<KnownIdentity>,
    /// The command, if it was decided.
    decided: Option<DecidedCommand>,
}

/// A command that was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DecidedCommand {
    /// It is known until the log begins behind this offset.
    until: Offset,
    /// The command.
    identity: KnownIdentity,
}

impl DecidedCommand {
    fn to_bytes(self) -> Vec<u8> {
        [&self.until.0.to_le_bytes()[..], &self.identity.to_bytes()].concat()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (_, identity) = bytes.split_first_chunk::<8>()?;
        Some(Self { until: known_until(bytes)?, identity: KnownIdentity::from_bytes(identity)? })
    }
}

/// How long the tables know a decided command and its decision: until the log begins behind this offset.
pub(crate) fn known_until(value: &[u8]) -> Option<Offset> {
    Some(Offset(u64::from_le_bytes(*value.first_chunk()?)))
}

/// A decision, and until when it is kept.
fn decode_decision(value: &[u8]) -> Result<(Decision, Offset), TablesError> {
    const DAMAGED: TablesError = TablesError::Damaged { what: "decision" };
    let until = known_until(value).ok_or(DAMAGED)?;
    let (_, decision) = value.split_first_chunk::<8>().ok_or(DAMAGED)?;
    Ok((decode(decision, "decision")?, until))
}

impl<S: Store> Tables<S> {
    /// Applies transaction `at`'s change of the command at `offset`, in a section that publishes `facts`
    /// events from `first_fact` on. The command was held or dead before if `has_waited`.
    pub(crate) fn apply_command(
        &mut self,
        at: Sequence,
        (offset, change): (Offset, &CommandChange),
        (first_fact, facts): (Offset, u32),
        has_waited: bool,
    ) {
        match change.outcome.clone() {
            None => self.apply_undecided(offset, change.command()),
            Some(outcome) => {
                let decision = Decision { outcome, first_fact, facts, scopes: change.scope_versions() };
                if has_waited {
                    self.active.delete(keys::undecided(change.command().identity), at);
                }
                self.apply_decision(offset, change.command(), &decision);
            }
        }
    }

    fn apply_undecided(&mut self, offset: Offset, command: EventHash) {
        if !is_on(Sabotage::ForgetUndecided) {
            let known = KnownIdentity { offset, content: command.content };
            self.active.put(keys::undecided(command.identity), known.to_bytes().to_vec());
        }
    }

    fn apply_decision(&mut self, offset: Offset, command: EventHash, decision: &Decision) {
        // The decision expires with the log at its own place, not at the command's.
        let until = decision.first_fact;
        let identity = KnownIdentity { offset, content: command.content };
        let decided = DecidedCommand { until, identity };
        self.active.put(keys::decided(command.identity), decided.to_bytes());
        if !(is_on(Sabotage::ForgetAnswer) && offset.0.is_multiple_of(8)) {
            let mut value = until.0.to_le_bytes().to_vec();
            value.append(&mut encode(decision));
            self.active.put(keys::answer(offset), value);
        }
    }

    /// The undecided commands at these offsets, with their hashes. It reads the whole table of undecided
    /// commands, for callers whose held event or dead letter cannot be read.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn undecided_at(&self, offsets: &[Offset]) -> Result<Vec<(Offset, EventHash)>, TablesError> {
        let mut found = Vec::new();
        self.scan_prefix(&keys::all_undecided(), &mut |key, value| {
            let known = KnownIdentity::from_bytes(value).filter(|known| offsets.contains(&known.offset));
            if let (Some(identity), Some(known)) = (keys::trailing_hash(key), known) {
                found.push((known.offset, EventHash { identity, content: known.content }));
            }
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// Notes that a command of this type is at `offset`.
    pub(crate) fn apply_sent(&mut self, command_type: &str, offset: Offset) {
        self.active.put(keys::last_command(command_type), offset.0.to_le_bytes().to_vec());
    }

    /// The offset of the last command of this type; `None` if none was ever sent.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn last_command(&self, command_type: &str) -> Result<Option<Offset>, TablesError> {
        self.offset(&keys::last_command(command_type), "last command")
    }

    /// The decision about the command at `offset`, in memory only; `None` if memory has none. The caller
    /// reads the store with [`Tables::stored_decision`], outside the critical section.
    ///
    /// # Errors
    /// A damaged value.
    pub fn recent_decision(&self, offset: Offset) -> Result<Option<Decision>, TablesError> {
        let value = self.in_memory(&keys::answer(offset)).flatten();
        Ok(value.map(decode_decision).transpose()?.map(|(decision, _)| decision))
    }

    /// The same in the store; `None` also if the log begins behind the place where the decision was written.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn stored_decision(
        store: &S,
        offset: Offset,
        first_offset: Offset,
    ) -> Result<Option<Decision>, TablesError> {
        let value = store.get(&keys::answer(offset))?;
        let decision = value.as_deref().map(decode_decision).transpose()?;
        Ok(decision.filter(|(_, until)| *until >= first_offset).map(|(decision, _)| decision))
    }

    /// The command with this identity, if it is held or dead, or was decided and the log does not begin
    /// behind the place where the decision was written. The caller reads `stored` with
    /// [`Tables::stored_command`], outside the critical section where it can.
    #[must_use]
    pub fn known_command(
        &self,
        hash: u128,
        stored: &StoredCommand,
        first_offset: Offset,
    ) -> Option<KnownIdentity> {
        let undecided = match self.in_memory(&keys::undecided(hash)) {
            Some(recent) => recent.and_then(KnownIdentity::from_bytes),
            None => stored.undecided,
        };
        let decided = match self.in_memory(&keys::decided(hash)) {
            Some(recent) => recent.and_then(DecidedCommand::from_bytes),
            None => stored.decided,
        };
        let decided = decided.filter(|decided| decided.until >= first_offset);
        undecided.or_else(|| decided.map(|decided| decided.identity))
    }

    /// What the store knows of a command that was held, dead or decided.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn stored_command(store: &S, hash: u128) -> Result<StoredCommand, TablesError> {
        let undecided = store.get(&keys::undecided(hash))?;
        let undecided =
            undecided.map(|bytes| KnownIdentity::from_bytes(&bytes).ok_or(DAMAGED)).transpose()?;
        let decided = store.get(&keys::decided(hash))?;
        let decided = decided.map(|bytes| DecidedCommand::from_bytes(&bytes).ok_or(DAMAGED)).transpose()?;
        Ok(StoredCommand { undecided, decided })
    }
}
