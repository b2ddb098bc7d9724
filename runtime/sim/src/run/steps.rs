//! Steps of the runtime's own threads: workers, writer, reader, timekeeper, flusher.

use camshaft_engine::Committed;
use camshaft_event::Sequence;

use super::handlers::Handlers;
use super::{Ran, Run};
use crate::delivery::{Moment, Taken};
use crate::faults::Fault;

impl Run {
    /// Gives a free worker a batch; whether there was one.
    pub(super) fn take(&mut self) -> bool {
        let running = self.taken.len() + self.running + self.finished.len();
        let workers = self.machine.options.workers;
        if running == workers || !self.process.sequencer().has_work() {
            return false;
        }
        let before = self.process.sequencer().consumer_states();
        let batch = self.process.take();
        let after = self.process.sequencer().consumer_states();
        self.delivery.looked(&after);
        let Some(batch) = batch else { return false };
        self.tell(|| format!("take {} events of {}", batch.len(), batch.spec.name));
        let is_last = running + 1 == workers;
        let taken = Taken { batch: &batch, is_last, before: &before, after: &after };
        let mut moment = Moment { passed_ms: self.machine.clock.passed_ms(), faults: &mut self.faults };
        let ticket = self.delivery.taken(&taken, &mut moment);
        self.taken.push((batch, ticket));
        true
    }

    pub(super) fn run_batch(&mut self) {
        if self.taken.is_empty() {
            return;
        }
        let at = self.pick(self.taken.len());
        if self.ends_amid(at) {
            self.crash();
            return;
        }
        self.run_at(at);
    }

    fn run_at(&mut self, at: usize) {
        let (batch, ticket) = self.taken.swap_remove(at);
        self.tell(|| format!("run a batch of {}", batch.spec.name));
        self.running += 1;
        let mut worker = self.worker();
        let mut handlers = Handlers::new(self, batch.spec.state_revision);
        let finished = worker.run(batch, &mut handlers);
        let called = handlers.into_record();
        self.running -= 1;
        self.finished.push(Ran { finished, ticket, called });
    }

    pub(super) fn commit(&mut self) {
        if self.finished.is_empty() {
            return;
        }
        let at = self.pick(self.finished.len());
        self.commit_at(at);
    }

    /// Others make one step while a handler of `consumer` works: those of the same consumer if there are
    /// some.
    pub(super) fn step_beside(&mut self, consumer: &str) {
        let finished = self.finished.iter().position(|ran| ran.ticket.is_of(consumer));
        let taken = self.taken.iter().position(|(_, ticket)| ticket.is_of(consumer));
        match (finished, taken) {
            (Some(at), _) => self.commit_at(at),
            (None, Some(at)) => self.run_at(at),
            (None, None) if self.go_on_with_a_call_of(consumer) => {}
            (None, None) => match self.random.below(4) {
                0 if !self.taken.is_empty() => self.run_at(0),
                1 => self.commit(),
                2 => _ = self.launch(),
                _ => _ = self.take(),
            },
        }
    }

    fn commit_at(&mut self, at: usize) {
        let Ran { finished, ticket, called } = self.finished.swap_remove(at);
        let is_short = called.is_short;
        let committed = self.process.commit(finished);
        self.tell(|| format!("commit → {committed:?}"));
        let transaction = match committed {
            Committed::At(sequence) => self.process.queued(sequence),
            _ => None,
        };
        transaction.iter().for_each(|transaction| self.senders.note_ended(transaction));
        let mut moment = Moment { passed_ms: self.machine.clock.passed_ms(), faults: &mut self.faults };
        self.delivery.ended(&ticket, called.attempts.len(), transaction.as_ref(), &mut moment);
        self.hear_verdicts();
        let states = self.process.sequencer().consumer_states();
        self.delivery.check(&states, &mut self.faults);
        self.check_damage();
        let is_damaged =
            !is_short && committed == Committed::Nothing && !self.process.sequencer().damaged().is_empty();
        assert!(is_short || is_damaged || committed != Committed::Nothing, "a batch comes to something");
        self.note_if(Fault::DamagedState, is_damaged);
        self.note_if(Fault::Stale, committed == Committed::Stale);
        match committed {
            Committed::At(sequence) => self.record(sequence, called),
            Committed::Conflict => {
                self.note(Fault::Conflict);
                self.note_conflict(&called);
            }
            Committed::Nothing | Committed::Stale => {}
        }
    }

    pub(super) fn append(&mut self) {
        let appended = self.process.append();
        if let Some(transactions) = self.after_io(appended) {
            self.tell(|| format!("append {} transactions", transactions.len()));
            self.history.extend(transactions);
            self.note_ages();
        }
    }

    pub(super) fn sync(&mut self) {
        self.append();
        let synced = self.process.sync();
        if self.after_io(synced).is_some() {
            let durable = self.durable();
            self.tell(|| format!("sync → durable up to {durable}"));
            self.witness.hear(durable);
            self.note_if(Fault::DiskFull, self.process.is_full);
        }
    }

    pub(super) fn read_log(&mut self) {
        let before = self.process.sequencer().damaged().len();
        let read = self.process.read();
        if self.after_io(read) == Some(true) {
            let has_met_damage = self.process.sequencer().damaged().len() > before;
            self.note_if(Fault::DamagedEvents, has_met_damage);
            self.tell(|| "read the log for a lagging consumer".to_owned());
            self.note(Fault::Lagging);
            self.check_damage();
        }
    }

    pub(super) fn pass_time(&mut self) {
        let ms = self.random.below(120);
        self.machine.clock.pass_ms(ms);
        self.process.look();
        self.process.tick();
        self.check_waits();
        self.tell(|| format!("{ms} ms pass"));
        self.hear_verdicts();
    }

    /// Freezes the overlay, or writes the frozen one if it may be written.
    pub(super) fn flush(&mut self) {
        let Some(frozen) = self.frozen.clone() else {
            self.frozen = self.process.sequencer().freeze();
            self.tell(|| format!("freeze → {}", self.frozen.is_some()));
            return;
        };
        let synced = Sequence(self.process.log().synced());
        if !frozen.is_covered_by(synced) {
            return;
        }
        self.befall_the_store();
        match frozen.write(&*self.machine.store) {
            Ok(()) => {
                self.tell(|| format!("flush up to {}", frozen.progress().sequence));
                self.frozen = None;
                let written = self.process.sequencer().flushed();
                assert!(written.is_some(), "what was flushed was frozen");
            }
            Err(camshaft_tables::store::StoreError::Full { .. }) => self.note(Fault::StoreFull),
            Err(_) => {
                self.note(Fault::CrashInFlush);
                self.crash();
            }
        }
    }

    fn check_waits(&mut self) {
        let states = self.process.sequencer().consumer_states();
        self.delivery.check_waits(&states, self.machine.clock.passed_ms());
    }

    pub(super) fn trim(&mut self) {
        self.flush();
        self.flush();
        if self.pending.is_none() && self.random.below(6) == 0 {
            self.machine.disk.crash_after(self.random.below(3));
            self.pending = Some(Fault::CrashInTrim);
        }
        let trimmed = self.process.trim();
        let has_trimmed = self.after_io(trimmed) == Some(true);
        self.check_ages();
        let first = self.process.sequencer().first_offset();
        self.tell(|| format!("trim → the log begins at {first}"));
        self.note_if(Fault::Trimmed, has_trimmed);
    }

    pub(super) fn turn_the_clock(&mut self) {
        let ms = self.random.below(2_000);
        let signed = i64::try_from(ms).expect("it is small");
        match self.random.below(3) {
            0 => {
                self.machine.clock.jump_ms(-signed);
                self.note(Fault::ClockBack);
            }
            1 => {
                self.machine.clock.jump_ms(signed);
                self.note(Fault::ClockAhead);
            }
            _ => {
                self.machine.clock.set_right();
                self.note(Fault::ClockRight);
            }
        }
        self.tell(|| format!("the clock is set to {}", self.now().0));
    }
}
