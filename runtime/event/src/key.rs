//! The ordering key: events of equal key reach a consumer in log order, one at a time.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::Offset;

/// The ordering key of an event for a consumer; [`crate::Role::key`] determines it. An event without a key
/// has no order relative to other events.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Key {
    /// An attribute of the event: for handlers the `partitionkey`, else the `subject`.
    #[serde(rename = "0")]
    Ordered(Arc<str>),
    /// The attribute is not set. The event's own offset takes the place of a key.
    #[serde(rename = "1")]
    Unordered(Offset),
}

impl Key {
    /// The index of the partition that handles this key, for a consumer with `partitions` partitions.
    ///
    /// The mapping is persisted; never change it. It is XXH3-64 (seed 0) of the key's UTF-8 bytes modulo the
    /// number of partitions. An unordered event uses its offset instead of the hash.
    #[must_use]
    pub fn partition(&self, partitions: u32) -> u32 {
        assert!(partitions > 0, "a consumer has at least one partition");
        let number = match self {
            Self::Ordered(key) => xxh3_64(key.as_bytes()),
            Self::Unordered(offset) => offset.0,
        };
        u32::try_from(number % u64::from(partitions)).expect("a remainder of a u32 fits a u32")
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ordered(key) => f.write_str(key),
            Self::Unordered(offset) => write!(f, "(unordered, offset {offset})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_always_falls_into_the_same_partition() {
        // Persisted: these numbers are in every data directory.
        let partition = |key: &str| Key::Ordered(key.into()).partition(64);
        assert_eq!(["UA", "AA", "DL", ""].map(partition), [40, 44, 60, 2]);
        assert_eq!(Key::Unordered(Offset(130)).partition(64), 2);
    }
}
