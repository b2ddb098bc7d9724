//! Sends events in batches. If the runtime refuses one item of a batch, the rest is sent again without it, so
//! that one bad line does not affect others.

use std::{collections::VecDeque, thread, time::Duration};

use camshaft_event::{
    Event, Offset,
    cloudevents::{BATCH_MEDIA_TYPE, print_batch},
};
use camshaft_wire::{ErrorCode, Receipts};

use super::{
    super::{
        client::{Client, Refusal},
        failure::Failure,
    },
    LineReceipt, Outcome, Report,
};
use crate::output;

/// Target batch size in bytes; the default maximum of a transaction is 4 MiB.
const BATCH_BYTES: usize = 2 << 20;

/// Maximum total time to wait for a busy runtime.
const MAX_WAIT: Duration = Duration::from_mins(1);

/// Minimum wait: a proxy in front of the runtime may request a wait of zero.
const LEAST_WAIT: Duration = Duration::from_millis(100);

/// How long to wait if the answer requests `asked`, after waiting for `waited`. `asked` is untrusted.
fn wait(asked: Duration, waited: Duration) -> Duration {
    asked.max(LEAST_WAIT).min(MAX_WAIT.saturating_sub(waited))
}

/// An event and the line it came from.
pub struct Item {
    pub line: u64,
    pub event: Event,
}

/// Collects events, and sends them when a batch is full.
pub struct Sender<'a> {
    client: &'a Client,
    report: &'a Report,
    batch: usize,
    /// The current number of events per request. It shrinks after a refusal, so that a file of refused lines
    /// does not send each line hundreds of times.
    window: usize,
    queue: VecDeque<Item>,
    bytes: usize,
    outcome: Outcome,
    known: Known,
    /// Whether to keep the receipts.
    keeps_receipts: bool,
    through: u64,
}

/// Lines whose events were already in the log.
#[derive(Default)]
pub struct Known {
    first: Vec<(u64, Offset)>,
}

impl<'a> Sender<'a> {
    pub fn new(client: &'a Client, batch: usize, report: &'a Report, keeps_receipts: bool) -> Self {
        Self {
            client,
            report,
            batch,
            window: batch,
            queue: VecDeque::new(),
            bytes: 0,
            outcome: Outcome::default(),
            known: Known::default(),
            keeps_receipts,
            through: 0,
        }
    }

    /// Adds an event, and sends the batch if it is full.
    pub fn add(&mut self, item: Item) -> Result<(), Failure> {
        self.bytes += item.event.size();
        self.queue.push_back(item);
        if self.queue.len() >= self.batch || self.bytes >= BATCH_BYTES {
            self.finish()?;
        }
        Ok(())
    }

    /// Counts and reports a refused line.
    pub fn refuse(&mut self, line: u64, failure: &Failure) {
        self.outcome.refused += 1;
        self.report.refused(line, failure);
    }

    /// Sends the remaining events.
    pub fn finish(&mut self) -> Result<(), Failure> {
        while !self.queue.is_empty() {
            self.send()?;
        }
        self.bytes = 0;
        Ok(())
    }

    /// The results, the known events, and the last line that the results cover.
    pub fn outcome(self) -> (Outcome, Known, u64) {
        (self.outcome, self.known, self.through)
    }

    fn send(&mut self) -> Result<(), Failure> {
        let count = self.window.min(self.queue.len());
        let body = print_batch(self.queue.iter().take(count).map(|item| &item.event));
        let mut waited = Duration::ZERO;
        loop {
            let refusal = match self.client.post::<Receipts>("/events", BATCH_MEDIA_TYPE, &body) {
                Ok(receipts) => return self.accept(count, &receipts),
                Err(refusal) => refusal,
            };
            let Refusal::Problem { document, retry_after } = &refusal else {
                return Err(refusal.into_failure());
            };
            let code = ErrorCode::from_urn(&document.urn);
            let too_large = matches!(code, Some(ErrorCode::TransactionTooLarge | ErrorCode::RequestTooLarge));
            match (document.index, retry_after) {
                (Some(index), _) if index < count => {
                    self.window = (count / 2).max(1);
                    self.drop_item(index, refusal);
                    return Ok(());
                }
                _ if too_large && count > 1 => {
                    self.window = count / 2;
                    return Ok(());
                }
                _ if too_large => {
                    self.drop_item(0, refusal);
                    return Ok(());
                }
                (_, Some(delay)) if code != Some(ErrorCode::ShuttingDown) && waited < MAX_WAIT => {
                    let delay = wait(*delay, waited);
                    thread::sleep(delay);
                    waited += delay;
                }
                _ => return Err(refusal.into_failure()),
            }
        }
    }

    fn accept(&mut self, count: usize, receipts: &Receipts) -> Result<(), Failure> {
        if receipts.results.len() != count {
            let message = "the runtime returned a different number of results than events sent";
            return Err(Failure::new(ErrorCode::UnexpectedAnswer, message));
        }
        for (item, receipt) in self.queue.drain(..count).zip(&receipts.results) {
            let Item { line, event } = item;
            self.through = line;
            if receipt.duplicate {
                self.outcome.duplicate += 1;
                self.known.add(line, receipt.offset);
            } else {
                self.outcome.published += 1;
            }
            if self.keeps_receipts {
                let (offset, duplicate) = (receipt.offset, receipt.duplicate);
                let receipt = LineReceipt { line, id: event.id, source: event.source, offset, duplicate };
                self.outcome.receipts.push(receipt);
            }
        }
        self.window = (self.window * 2).min(self.batch);
        self.report.sent(&self.outcome);
        Ok(())
    }

    fn drop_item(&mut self, index: usize, refusal: Refusal) {
        if let Some(item) = self.queue.remove(index) {
            self.refuse(item.line, &refusal.into_failure());
        }
    }
}

impl Known {
    /// Maximum number of lines to name.
    const NAMED: usize = 5;

    fn add(&mut self, line: u64, offset: Offset) {
        if self.first.len() < Self::NAMED {
            self.first.push((line, offset));
        }
    }

    /// Reports which of `count` lines were duplicates.
    pub fn tell(&self, count: u64) {
        if count == 0 {
            return;
        }
        let named: Vec<String> =
            self.first.iter().map(|(line, offset)| format!("line {line} (offset {offset})")).collect();
        let others = match count.saturating_sub(self.first.len() as u64) {
            0 => String::new(),
            others => format!(" and {others} more"),
        };
        output::note(&format!("already in the log: {}{others}", named.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_waited_for_within_bounds() {
        let (second, year) = (Duration::from_secs(1), Duration::from_hours(24 * 365));
        assert_eq!(wait(second, Duration::ZERO), second);
        assert_eq!(wait(Duration::ZERO, second), LEAST_WAIT);
        assert_eq!(wait(year, second), MAX_WAIT - second);
        assert_eq!(wait(second, MAX_WAIT), Duration::ZERO);
    }
}
