//! What is kept for each carrier, under the carrier's code as the key.

use camshaft_sdk::prelude::*;
use serde::{Deserialize, Serialize};

/// Figures of one carrier. Delays are whole minutes; an early departure counts as less than none.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// All flights, cancelled ones too.
    pub count: u64,
    /// Flights that never departed.
    pub cancelled: u64,
    /// Sum of all departure delays.
    pub dep_delay_sum: i64,
    /// The longest departure delay, if any flight departed.
    pub dep_delay_max: Option<i64>,
}

impl Stats {
    /// Changes the figures of `carrier`.
    pub fn update(ctx: &Context, carrier: &str, change: impl FnOnce(&mut Self)) -> Result {
        let mut stats: Self = ctx.state().get(carrier)?.unwrap_or_default();
        stats.count += 1;
        change(&mut stats);
        ctx.state().set(carrier, &stats)
    }

    /// Takes in a departure.
    pub fn departed(&mut self, dep_delay: i64) {
        self.dep_delay_sum += dep_delay;
        self.dep_delay_max = self.dep_delay_max.max(Some(dep_delay));
    }

    /// Takes in a cancellation.
    pub fn cancelled(&mut self) {
        self.cancelled += 1;
    }
}
