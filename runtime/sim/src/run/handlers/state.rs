//! What a handler does with its state, by how much of it the handlers of its consumer share. Each operation
//! is recorded for the model. Before each read, others may make steps.

use camshaft_engine::Attempt;
use camshaft_event::{AttemptContext, EffectError, Offset, StatePage};

use super::Handlers;
use crate::faults::Fault;
use crate::model::Operation;
use crate::sharing::{self, Shared, Sharing};

/// Before a read, other batches or calls of the consumer make steps, one more in one of so many cases.
const STEPS: u64 = 2;

/// At most this number of seats of a row are taken …
const TAKEN_SEATS: usize = 4;
/// … of these.
const SEATS: u64 = 7;

/// Two of these are not to go off duty at once.
const DUTIES: [&[u8]; 2] = [b"duty 0", b"duty 1"];

/// Where the keys of seats begin.
const SEAT: &[u8] = b"seat ";

/// Seats are in rows. Two handlers that take seats in different rows do not conflict.
const ROWS: [&[u8]; 2] = [b"seat a", b"seat b"];

/// How often a handler reads the flag that watches it.
const WATCHES: usize = 6;

/// It is set and deleted by handlers that do not read it.
const FLAG: &[u8] = b"flag";

impl Handlers<'_> {
    pub(super) fn use_state(&mut self, attempt: &mut Attempt, sharing: Sharing) -> Result<(), EffectError> {
        let offset = attempt.offset();
        let scope = sharing.scope(attempt.event(), offset);
        let list = sharing::list(&scope);
        match sharing {
            Sharing::Little(shared) if sharing.only_reads(offset) => return self.only_read(attempt, shared),
            Sharing::Little(shared) => self.share(attempt, shared)?,
            Sharing::Nothing | Sharing::Everything => {
                if self.run.dice(4) == 0 {
                    self.get(attempt, &list)?;
                }
                self.use_own(attempt, &scope)?;
            }
        }
        let done = self.get(attempt, &list)?.unwrap_or_default();
        self.write(attempt, &list, Some(&with(done, offset)))
    }

    /// Uses the keys of one scope, and reads what it has written.
    fn use_own(&mut self, attempt: &mut Attempt, scope: &str) -> Result<(), EffectError> {
        let (prefix, word) = (format!("key{scope} ").into_bytes(), self.some_word());
        let key = [&prefix, word.as_bytes()].concat();
        if self.run.dice(10) == 0 {
            let found = self.scan(attempt, &prefix, 3)?.len().to_string();
            self.write(attempt, format!("found{scope}").as_bytes(), Some(found.as_bytes()))?;
        }
        if self.run.dice(4) == 0 {
            self.write(attempt, &key, Some(b"1"))?;
        }
        if self.run.dice(10) == 0 {
            self.write(attempt, &key, None)?;
        }
        if self.run.dice(6) == 0 {
            self.get(attempt, &key)?;
        }
        Ok(())
    }

    /// Uses keys that all share.
    fn share(&mut self, attempt: &mut Attempt, shared: Shared) -> Result<(), EffectError> {
        match shared {
            Shared::Duties => self.change_duty(attempt),
            Shared::Seats => self.take_a_seat(attempt),
            Shared::Flag if self.run.dice(2) == 0 => self.turn_the_flag(attempt),
            Shared::Flag => self.watch_the_flag(attempt),
        }
    }

    /// Goes off duty if the other one is on duty, else goes on. Two that do so at once would leave none on
    /// duty.
    fn change_duty(&mut self, attempt: &mut Attempt) -> Result<(), EffectError> {
        let [mut own, mut other] = DUTIES;
        if self.run.dice(2) == 0 {
            (own, other) = (other, own);
        }
        let is_on_duty = self.get(attempt, own)?.is_some();
        let is_replaced = self.get(attempt, other)?.is_some();
        let value = (!is_on_duty || !is_replaced).then_some(&b"on"[..]);
        self.write(attempt, own, value)?;
        self.get(attempt, own)?;
        Ok(())
    }

    /// Takes a seat in a row or frees one. Two that see the same seats taken would together take too many.
    fn take_a_seat(&mut self, attempt: &mut Attempt) -> Result<(), EffectError> {
        let row = self.some_row();
        let taken = self.scan(attempt, row, 2)?;
        let seat = self.some_seat(row);
        match taken.first() {
            Some(first) if taken.len() >= TAKEN_SEATS => self.write(attempt, first, None)?,
            _ if taken.contains(&seat) => self.write(attempt, &seat, None)?,
            _ => self.write(attempt, &seat, Some(b"taken"))?,
        }
        if self.run.dice(2) == 0 {
            self.scan(attempt, SEAT, 2)?;
        }
        Ok(())
    }

    /// Sets the flag if it is deleted, and deletes it if it is set. The attempt does not read it: the run
    /// looks it up.
    fn turn_the_flag(&mut self, attempt: &mut Attempt) -> Result<(), EffectError> {
        let is_up = self.run.process.has_state(attempt.consumer(), FLAG);
        self.write(attempt, FLAG, (!is_up).then_some(b"up"))
    }

    /// Reads the flag again and again. Two that turn it in between leave it as it was at first.
    fn watch_the_flag(&mut self, attempt: &mut Attempt) -> Result<(), EffectError> {
        for _ in 0..WATCHES {
            self.get(attempt, FLAG)?;
        }
        Ok(())
    }

    /// Reads what others write.
    fn only_read(&mut self, attempt: &mut Attempt, shared: Shared) -> Result<(), EffectError> {
        match shared {
            Shared::Duties => DUTIES.iter().try_for_each(|duty| self.get(attempt, duty).map(drop)),
            Shared::Seats => self.look_at_seats(attempt),
            Shared::Flag => self.watch_the_flag(attempt),
        }
    }

    /// Reads one seat, the first ones, or all.
    fn look_at_seats(&mut self, attempt: &mut Attempt) -> Result<(), EffectError> {
        match self.run.dice(3) {
            0 => {
                let row = self.some_row();
                let seat = self.some_seat(row);
                self.get(attempt, &seat).map(drop)
            }
            1 => self.page(attempt, SEAT, None, 1).map(drop),
            _ => self.scan(attempt, SEAT, 2).map(drop),
        }
    }

    fn some_row(&mut self) -> &'static [u8] {
        let [first, second] = ROWS;
        if self.run.dice(2) == 0 { first } else { second }
    }

    fn some_seat(&mut self, row: &[u8]) -> Vec<u8> {
        [row, self.run.dice(SEATS).to_string().as_bytes()].concat()
    }
}

/// Operations, with a record of each.
impl Handlers<'_> {
    fn get(&mut self, attempt: &mut Attempt, key: &[u8]) -> Result<Option<Vec<u8>>, EffectError> {
        self.let_others_step(attempt);
        let found = attempt.get(key)?;
        self.record(Operation::Get { key: key.to_vec(), found: found.clone() });
        Ok(found)
    }

    /// The keys under `prefix`, read by pages of at most `max`.
    fn scan(
        &mut self,
        attempt: &mut Attempt,
        prefix: &[u8],
        max: usize,
    ) -> Result<Vec<Vec<u8>>, EffectError> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.page(attempt, prefix, after, max)?;
            found.extend(page.entries.into_iter().map(|(key, _)| key));
            after = page.after;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    /// One page of at most `max` entries under `prefix`.
    fn page(
        &mut self,
        attempt: &mut Attempt,
        prefix: &[u8],
        after: Option<Vec<u8>>,
        max: usize,
    ) -> Result<StatePage, EffectError> {
        self.run.note_if(Fault::HandlerScans, after.is_none());
        self.let_others_step(attempt);
        let page = attempt.scan_page(prefix, after.as_deref(), max)?;
        self.record(Operation::Scan { prefix: prefix.to_vec(), after, max, page: page.clone() });
        Ok(page)
    }

    fn write(&mut self, attempt: &mut Attempt, key: &[u8], value: Option<&[u8]>) -> Result<(), EffectError> {
        match value {
            Some(value) => attempt.set(key, value)?,
            None => attempt.delete(key)?,
        }
        self.record(Operation::Write { key: key.to_vec(), value: value.map(<[u8]>::to_vec) });
        Ok(())
    }

    pub(super) fn record(&mut self, operation: Operation) {
        let attempt = self.called.attempts.last_mut().expect("a handler works within a call");
        attempt.operations.push(operation);
    }

    pub(super) fn let_others_step(&mut self, attempt: &Attempt) {
        while self.run.dice(STEPS) == 0 {
            self.run.step_beside(attempt.consumer());
        }
    }
}

/// The list with one more offset at its end.
fn with(mut done: Vec<u8>, offset: Offset) -> Vec<u8> {
    if !done.is_empty() {
        done.push(b' ');
    }
    done.extend_from_slice(offset.to_string().as_bytes());
    done
}
