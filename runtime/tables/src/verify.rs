//! Checks a whole store: every entry of every table is read and decoded.
//!
//! `camshaft verify` calls it on a store that nobody writes. Damage is collected, with its owner, not an
//! error.

use std::ops::ControlFlow;

use camshaft_event::transaction::{Activation, ConsumerRecord, RecentEvents, RedriveJob, RedriveResults};
use camshaft_event::{ConsumerId, DeadLetter, Event, Generation, HeldEvent, Timestamp};

use crate::commands::DecidedCommand;
use crate::read::decode;
use crate::store::Store;
use crate::{Decision, KnownIdentity, Tables, TablesError, keys};

/// What was checked, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifiedEntries {
    /// Entries that could be read and decoded.
    pub sound: u64,
    /// What could not.
    pub damage: Vec<EntryDamage>,
}

/// Entries of one table that cannot be read or decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryDamage {
    /// What they hold, in the plural.
    pub what: &'static str,
    /// Who alone needs them; all do if nobody.
    pub consumer: Option<ConsumerId>,
    /// What was found.
    pub detail: String,
}

/// Checks one value; `Err` names what it should be.
type Check = fn(&[u8]) -> Result<(), TablesError>;

impl<S: Store> Tables<S> {
    /// Reads and decodes every entry of the store. `progress` is told how many entries were read since it was
    /// last called.
    ///
    /// # Errors
    /// A store of which nothing can be read.
    pub fn verify(&self, progress: &mut dyn FnMut(u64)) -> Result<VerifiedEntries, TablesError> {
        let mut verified = VerifiedEntries::default();
        let consumers = match self.consumers() {
            Ok(consumers) => consumers,
            Err(error) if error.is_damage() => Vec::new(),
            Err(error) => return Err(error),
        };
        for (prefix, what, check) in common_tables() {
            self.verify_table(&mut verified, (&prefix, what, None), check, progress)?;
        }
        for ConsumerRecord { id, .. } in consumers {
            for (prefix, what, check) in tables_of(id) {
                self.verify_table(&mut verified, (&prefix, what, Some(id)), check, progress)?;
            }
        }
        Ok(verified)
    }

    fn verify_table(
        &self,
        verified: &mut VerifiedEntries,
        (prefix, what, consumer): (&[u8], &'static str, Option<ConsumerId>),
        check: Check,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), TablesError> {
        let mut broken: u64 = 0;
        let scanned = self.store.scan(prefix, keys::end_of(prefix).as_deref(), &mut |_, value| {
            match check(value) {
                Ok(()) => verified.sound += 1,
                Err(_) => broken += 1,
            }
            progress(1);
            ControlFlow::Continue(())
        });
        let mut damage = |detail| verified.damage.push(EntryDamage { what, consumer, detail });
        if broken > 0 {
            damage(format!("{broken} entries cannot be decoded"));
        }
        match scanned {
            Err(error) if error.is_damage() => damage(error.to_string()),
            other => other?,
        }
        Ok(())
    }
}

fn is<T: serde::de::DeserializeOwned>(value: &[u8]) -> Result<(), TablesError> {
    decode::<T>(value, "value").map(|_| ())
}

fn is_offset(value: &[u8]) -> Result<(), TablesError> {
    if value.len() == 8 { Ok(()) } else { Err(TablesError::Damaged { what: "offset" }) }
}

fn is_state(value: &[u8]) -> Result<(), TablesError> {
    if value.len() >= 8 { Ok(()) } else { Err(TablesError::Damaged { what: "state value" }) }
}

fn is_decision(value: &[u8]) -> Result<(), TablesError> {
    let (_, decision) = value.split_first_chunk::<8>().ok_or(TablesError::Damaged { what: "decision" })?;
    is::<Decision>(decision)
}

fn is_decided(value: &[u8]) -> Result<(), TablesError> {
    DecidedCommand::from_bytes(value).map(|_| ()).ok_or(TablesError::Damaged { what: "command" })
}

fn is_identity(value: &[u8]) -> Result<(), TablesError> {
    KnownIdentity::from_bytes(value).map(|_| ()).ok_or(TablesError::Damaged { what: "identity" })
}

/// The tables that all need.
fn common_tables() -> [(Vec<u8>, &'static str, Check); 10] {
    [
        (vec![keys::CONSUMER], "consumers", is::<ConsumerRecord>),
        (keys::activations(), "activations", is::<Activation>),
        (keys::redrives(), "redrive jobs", is::<RedriveJob>),
        (keys::all_redrive_results(), "results of redrive jobs", is::<RedriveResults>),
        (keys::identities().to_vec(), "identities of published events", is_identity),
        (keys::answers(), "decisions of commands", is_decision),
        (keys::all_decided(), "identities of decided commands", is_decided),
        (keys::all_undecided(), "identities of undecided commands", is_identity),
        (keys::last_commands(), "last commands of types", is_offset),
        (keys::FACT_BYTES.to_vec(), "sizes of facts", is_offset),
    ]
}

/// The tables that one consumer needs.
fn tables_of(id: ConsumerId) -> [(Vec<u8>, &'static str, Check); 9] {
    let [checkpoints, floor, held, dead, timers] = keys::of_generation(id);
    [
        (checkpoints, "checkpoints", is_offset),
        (floor, "floors", is_offset),
        (held, "held events", is::<HeldEvent>),
        (dead, "dead letters", is::<DeadLetter>),
        (timers, "timers", is::<(Timestamp, Event)>),
        (keys::recent(id), "measures", is::<RecentEvents>),
        (keys::state_size(id), "sizes of state", is::<(Generation, u64)>),
        (keys::all_state(id), "state values", is_state),
        (keys::all_facts(id), "facts", is_offset),
    ]
}
