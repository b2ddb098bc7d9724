//! The identifiers and times of the runtime: offsets, sequences, consumers, generations, timestamps.
//!
//! Each is a newtype, so an offset cannot be mistaken for a sequence.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// The next number. It saturates at the largest one, so a number from outside never wraps to 0.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// The place of an event in the log. Offsets begin with 0 and have no gaps. Users see them.
    Offset(u64)
}
number! {
    /// The place of a transaction in the log. Sequences begin with 1 and have no gaps; 0 stands for "before
    /// the first".
    Sequence(u64)
}
number! {
    /// The number under which the tables keep a consumer's data. It is never reused for another consumer.
    ConsumerId(u32)
}
number! {
    /// The generation of a consumer. It begins with 1 and increases when the consumer is reset, removed or
    /// created again. It is part of the ids of the events that the consumer's handler publishes.
    Generation(u32)
}
number! {
    /// One activation of a plugin: digest, configuration and grants. 0 means none yet.
    ActivationId(u64)
}
number! {
    /// The number of a redrive job. The first is 1; numbers are never reused.
    RedriveId(u64)
}
number! {
    /// Milliseconds since the Unix epoch, UTC.
    Timestamp(u64)
}

impl Offset {
    /// The offset `count` events later. It saturates at the largest offset.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

impl Timestamp {
    /// The time `ms` milliseconds later. It saturates at the last representable time.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this time; 0 if `earlier` is later.
    #[must_use]
    pub const fn ms_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_number_has_no_successor_that_wraps() {
        assert_eq!(Offset(u64::MAX).next(), Offset(u64::MAX));
        assert_eq!(Offset(u64::MAX - 1).plus(7), Offset(u64::MAX));
        assert_eq!(Offset(17).next().plus(2), Offset(20));
    }
}
