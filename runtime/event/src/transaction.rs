//! The transaction: the one atomic record of the log.
//!
//! A transaction is a list of sections: one for each publish, handled event, fired timer, operator's action
//! or change of a redrive job. Sections are not merged. A transaction contains by value everything that it
//! writes to the tables, so it can be applied without other data.
//!
//! Encoding: one byte of format version, then MessagePack (structs as arrays, enum variants by number).
//! Fields are only added at the end, with a default. Numbers never change their meaning.

mod body;
mod consumer;
mod encoded;
mod history;
mod probation;
mod redrive;
mod section;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use body::{Body, Mark};
pub use consumer::{Activation, ConsumerRecord, ConsumerStatus};
pub use encoded::{EncodedEvent, EncodedEvents};
pub use history::{ActivationHistory, ActivationOutcome, Measure, PastActivation, RollbackCause, RolledBack};
pub use probation::{Probation, RecentEvents};
pub use redrive::{
    RedriveChange, RedriveChanged, RedriveJob, RedriveResults, RedriveSelection, RedriveState,
};
pub use section::{
    Activated, ConsumerChanged, DeadChange, Fired, Handled, HeldChange, Intervention, Outcome, Published,
    Refolded, Section, StateWrite, TimerChange,
};

use crate::{ConsumerId, Event, Offset};

/// First byte of every encoded transaction. Persisted.
const VERSION: u8 = 1;

/// Sections that commit together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// The floors, after this transaction, of the consumers with a section in it.
    pub floors: Vec<Floor>,
    /// The sections, in order.
    pub sections: Vec<Section>,
}

/// The progress of a consumer after a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floor {
    /// The consumer.
    pub consumer: ConsumerId,
    /// Every event before this offset is done, held or dead.
    pub offset: Offset,
    /// The growth of the consumer's state in this transaction, in bytes of keys and values.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub state_growth: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the value by reference")]
fn is_zero(bytes: &i64) -> bool {
    *bytes == 0
}

/// Why bytes are not a transaction.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// A newer version of Camshaft wrote the transaction.
    #[error("the transaction has format {found}, but this program reads format {VERSION}")]
    Version {
        /// The version byte found.
        found: u8,
    },
    /// The bytes do not follow the format.
    #[error("the bytes are not a transaction: {0}")]
    Malformed(String),
}

impl Transaction {
    /// Creates a transaction with one section and no floors.
    #[must_use]
    pub fn of(section: Section) -> Self {
        Self { floors: Vec::new(), sections: vec![section] }
    }

    /// The events that the transaction adds to the log, in offset order.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.sections.iter().flat_map(Section::events)
    }

    /// The number of events that the transaction adds to the log.
    #[must_use]
    pub fn event_count(&self) -> u32 {
        u32::try_from(self.events().count())
            .expect("a transaction of at most 4 MiB holds fewer than 2^32 events")
    }

    /// Encodes the transaction for the log: [`Transaction::encode_head`], then [`Transaction::encode_body`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Self::encode_head(&self.floors);
        bytes.append(&mut Self::encode_body(&self.sections));
        bytes
    }

    /// Encodes the first part. It is small and depends on the order in which transactions are sequenced.
    #[must_use]
    pub fn encode_head(floors: &[Floor]) -> Vec<u8> {
        // A transaction is an array of two.
        let mut bytes = vec![VERSION, 0x92];
        rmp_serde::encode::write(&mut bytes, floors).expect("floors in memory always have an encoding");
        bytes
    }

    /// Encodes the second part. A worker encodes it before the transaction is sequenced. A worker that must
    /// know the size while it adds sections uses [`Body`].
    #[must_use]
    pub fn encode_body(sections: &[Section]) -> Vec<u8> {
        rmp_serde::to_vec(sections).expect("sections in memory always have an encoding")
    }

    /// Decodes the bytes of [`Transaction::encode`].
    ///
    /// # Errors
    /// A newer format, or bytes that are not a transaction.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        match bytes.split_first() {
            Some((&VERSION, body)) => {
                rmp_serde::from_slice(body).map_err(|error| DecodeError::Malformed(error.to_string()))
            }
            Some((&found, _)) => Err(DecodeError::Version { found }),
            None => Err(DecodeError::Malformed("it is empty".into())),
        }
    }
}

#[cfg(test)]
mod tests;
