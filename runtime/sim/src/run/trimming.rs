//! What the log lets go is past its retention by the time that has really passed, whatever the wall clock said.

use super::Run;
use crate::consumers;

/// When each transaction of the history was written, by the time that has really passed.
#[derive(Default)]
pub(super) struct Ages {
    written_ms: Vec<u64>,
    /// Transactions that the log has let go.
    gone: usize,
}

impl Ages {
    /// The history has so many transactions now.
    pub(super) fn grow(&mut self, transactions: usize, now_ms: u64) {
        self.written_ms.resize(transactions, now_ms);
    }
}

impl Run {
    pub(super) fn check_ages(&mut self) {
        let (now_ms, age_ms) = (self.machine.clock.passed_ms(), consumers::retention().age_ms);
        let first = self.process.log().bounds().first_sequence;
        let gone = usize::try_from(first - 1).expect("runs are short");
        for (written_ms, sequence) in self.ages.written_ms.iter().zip(1..).take(gone).skip(self.ages.gone) {
            let aged_ms = now_ms - written_ms;
            assert!(aged_ms >= age_ms, "transaction {sequence} is trimmed after {aged_ms} ms");
        }
        self.ages.gone = gone;
    }
}
