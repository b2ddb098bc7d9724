//! Numbers with a meaning: where an event is, which transaction, which consumer, when.
//!
//! Each is a newtype, so that an offset can never be taken for a sequence.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// The number that follows this one, or the largest one: a number from outside never wraps to 0.
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
    /// The place of an event in the log; dense, the first is 0. This is what users see.
    Offset(u64)
}
number! {
    /// The place of a transaction in the log; dense, the first is 1; 0 stands for "before the first".
    Sequence(u64)
}
number! {
    /// The number under which the tables keep a consumer's data; never given to another consumer.
    ConsumerId(u32)
}
number! {
    /// How often a consumer has begun anew; the first is 1. Part of the ids of what its handler publishes.
    Generation(u32)
}
number! {
    /// One activation of a plugin: digest, configuration and grants. 0 means none yet.
    ActivationId(u64)
}
number! {
    /// The number of a redrive job; never given to another one, the first is 1.
    RedriveId(u64)
}
number! {
    /// Milliseconds since the Unix epoch, UTC.
    Timestamp(u64)
}

impl Offset {
    /// The offset `count` events further on, or the largest one.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

impl Timestamp {
    /// The moment `ms` milliseconds later, or the last representable one.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; 0 if `earlier` lies after it.
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
