//! Contention: batches of a consumer that lost against another partition's, and how it gets on all the same.
//!
//! A partition whose batch lost runs while no other does, so its next batch cannot lose. After several losses
//! the consumer runs its partitions one after another for a while.

use std::collections::VecDeque;

/// Lost batches after which a consumer runs its partitions one after another.
const LOSSES_TO_SERIALIZE: u32 = 3;
/// For how many batches it does.
const SERIAL_BATCHES: u32 = 256;
/// Batches won after which earlier losses are forgotten.
const WINS_TO_FORGIVE: u32 = 256;

#[derive(Debug, Default)]
pub(crate) struct Contention {
    /// Partitions whose batch lost against another one, in the order in which they did.
    exclusive: VecDeque<u32>,
    losses: u32,
    /// Batches won since the last loss.
    wins: u32,
    serial_batches: u32,
}

impl Contention {
    /// The partition that runs next since it lost; then no other may.
    pub(crate) fn first(&self) -> Option<u32> {
        self.exclusive.front().copied()
    }

    /// Whether one batch at a time runs now.
    pub(crate) fn is_serial(&self) -> bool {
        self.serial_batches > 0
    }

    /// A batch is handed out.
    pub(crate) fn begin(&mut self) {
        self.serial_batches = self.serial_batches.saturating_sub(1);
    }

    /// A batch lost that runs again.
    pub(crate) fn lost(&mut self, partition: u32) {
        if !self.exclusive.contains(&partition) {
            self.exclusive.push_back(partition);
        }
        self.count_loss();
    }

    /// A batch lost that does not run again.
    pub(crate) fn count_loss(&mut self) {
        self.wins = 0;
        self.losses += 1;
        if self.losses >= LOSSES_TO_SERIALIZE {
            self.losses = 0;
            self.serial_batches = SERIAL_BATCHES;
        }
    }

    /// The partition's batch was not contested.
    pub(crate) fn won(&mut self, partition: u32) {
        self.forget(partition);
        self.wins += 1;
        if self.wins >= WINS_TO_FORGIVE {
            self.wins = 0;
            self.losses = 0;
        }
    }

    /// The partition has nothing to run again.
    pub(crate) fn forget(&mut self, partition: u32) {
        self.exclusive.retain(|other| *other != partition);
    }
}
