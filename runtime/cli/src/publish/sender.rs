//! Sends events in batches. A batch of which one item is refused goes again without it, so that one bad line
//! costs no other.

use std::{collections::VecDeque, thread, time::Duration};

use camshaft_event::{
    Event,
    cloudevents::{BATCH_MEDIA_TYPE, print_batch},
};
use camshaft_wire::{ErrorCode, Receipts};

use super::{
    super::{
        client::{Client, Refusal},
        failure::Failure,
    },
    Outcome, Report,
};

/// Bytes that a batch aims at; a transaction may have 4 MiB by default.
const BATCH_BYTES: usize = 2 << 20;

/// Longest time to wait for a runtime that is busy, in all.
const MAX_WAIT: Duration = Duration::from_mins(1);

/// An event and the line it came from.
pub struct Item {
    pub line: u64,
    pub event: Event,
}

/// Collects events and sends them when a batch is full.
pub struct Sender<'a> {
    client: &'a Client,
    report: &'a Report,
    batch: usize,
    /// How many to send at a time at the moment: smaller after a refusal, so that a file of nothing but refused
    /// lines does not send each line hundreds of times.
    window: usize,
    queue: VecDeque<Item>,
    bytes: usize,
    outcome: Outcome,
    through: u64,
}

impl<'a> Sender<'a> {
    pub fn new(client: &'a Client, batch: usize, report: &'a Report) -> Self {
        let outcome = Outcome::default();
        Self { client, report, batch, window: batch, queue: VecDeque::new(), bytes: 0, outcome, through: 0 }
    }

    /// Adds an event; sends if the batch is full.
    pub fn add(&mut self, item: Item) -> Result<(), Failure> {
        self.bytes += item.event.size();
        self.queue.push_back(item);
        if self.queue.len() >= self.batch || self.bytes >= BATCH_BYTES {
            self.finish()?;
        }
        Ok(())
    }

    /// Counts a line that is no event.
    pub fn refuse(&mut self, line: u64, failure: &Failure) {
        self.outcome.refused += 1;
        self.report.refused(line, failure);
    }

    /// Sends what is left.
    pub fn finish(&mut self) -> Result<(), Failure> {
        while !self.queue.is_empty() {
            self.send()?;
        }
        self.bytes = 0;
        Ok(())
    }

    /// What became of the events, and the last line of which that is known.
    pub fn outcome(self) -> (Outcome, u64) {
        (self.outcome, self.through)
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
                    thread::sleep(*delay);
                    waited += *delay;
                }
                _ => return Err(refusal.into_failure()),
            }
        }
    }

    fn accept(&mut self, count: usize, receipts: &Receipts) -> Result<(), Failure> {
        if receipts.results.len() != count {
            let message = "the runtime answered for another number of events than were sent";
            return Err(Failure::new(ErrorCode::UnexpectedAnswer, message));
        }
        for receipt in &receipts.results {
            if receipt.duplicate {
                self.outcome.duplicate += 1;
            } else {
                self.outcome.published += 1;
            }
        }
        self.through = self.queue.drain(..count).next_back().map_or(self.through, |item| item.line);
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
