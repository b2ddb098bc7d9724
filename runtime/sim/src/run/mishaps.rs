//! Bad luck: crashes at any point, disks that die, fill up or rot, and the restarts that follow.

use std::sync::Arc;

use camshaft_event::{Offset, Sequence};
use camshaft_log::{Disk, LogError};

use super::Run;
use crate::faults::Fault;
use crate::model::Model;
use crate::process::{Machine, Process, SEGMENT_BYTES};
use crate::store::Mishap;

/// Recoveries that may be cut short in a row.
const MOST_RECOVERIES: u64 = 3;

impl Run {
    /// What a step on the disk came to. A failure ends the process, as it would end the real one.
    pub(super) fn after_io<T>(&mut self, result: Result<T, LogError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                let Some(fault) = self.pending.take() else {
                    panic!("the log fails on a sound disk: {error}")
                };
                self.tell(|| format!("{}: {error}", fault.text()));
                self.note(fault);
                let again = self.process.sync();
                assert!(again.is_err() || self.process.is_idle(), "a log whose write failed goes on");
                self.crash();
                None
            }
        }
    }

    /// Lets the disk fail sooner or later: one sync, one write, or everything from some operation on.
    pub(super) fn spoil_the_disk(&mut self) {
        if self.pending.is_some() {
            return;
        }
        let disk = &self.machine.disk;
        let fault = match self.random.below(3) {
            0 => {
                disk.fail_sync_after(self.random.below(3));
                Fault::FailedSync
            }
            1 => {
                disk.fail_write_after(self.random.below(3));
                Fault::FailedWrite
            }
            _ => {
                disk.crash_after(self.random.below(6));
                Fault::DiskDied
            }
        };
        self.tell(|| format!("soon {}", fault.text()));
        self.pending = Some(fault);
    }

    /// Takes the room from the log's disk, or gives it back.
    pub(super) fn fill_or_free_the_disk(&mut self) {
        let is_filled = self.random.below(3) > 0;
        let room = is_filled.then(|| self.machine.disk.used_bytes() + self.random.below(SEGMENT_BYTES));
        self.tell(|| format!("room on the disk: {room:?} bytes"));
        self.machine.disk.set_capacity(room);
    }

    /// Rarely something happens to the batch that is about to be written to the store.
    pub(super) fn befall_the_store(&mut self) {
        let mishap = match self.random.below(12) {
            0 => Mishap::Full,
            1 => Mishap::Crash { survives: self.random.coin() },
            _ => return,
        };
        self.tell(|| format!("the store: {mishap:?}"));
        self.machine.store.expect(mishap);
    }

    /// Flips a bit of a record that a later one claims to be durable, on a copy of the disk: the copy must
    /// not start, or at least not show that record.
    pub(super) fn flip_a_bit(&mut self) {
        // What is damaged already tells nothing more.
        if self.pending.is_some() || self.spoiled.is_some() {
            return;
        }
        let log = self.process.log();
        let bounds = log.bounds();
        let Ok(last) = log.read_from(bounds.last_sequence.max(bounds.first_sequence), 1) else { return };
        let claimed = last.iter().next().map_or(0, |record| record.synced);
        if claimed < bounds.first_sequence {
            return;
        }
        let sequence = bounds.first_sequence + self.random.below(claimed + 1 - bounds.first_sequence);
        let batch = log.read_from(sequence, 1).expect("a durable record can be read");
        let payload = batch.iter().next().map(|record| record.payload.to_vec()).unwrap_or_default();
        let machine = Machine { disk: self.machine.disk.after_kill(), ..self.machine.clone() };
        let Some((name, position)) = find(&machine, &payload) else { return };
        let bit = self.random.below(payload.len() as u64 * 8);
        machine.disk.edit(&name, |bytes| {
            let byte = bytes.get_mut(position + usize::try_from(bit / 8).unwrap_or(0));
            *byte.expect("the payload lies in the file") ^= 1 << (bit % 8);
        });
        self.tell(|| {
            let bytes = payload.len();
            format!("bit {bit} of the {bytes} bytes of record {sequence}, at {position} in {name}, flips")
        });
        self.note(Fault::BitFlip);
        let Ok(process) = Process::start(&machine) else { return };
        let read = process.log().read_from(sequence, 1);
        assert!(read.is_err(), "record {sequence} is read although bit {bit} of it has flipped");
    }

    /// Ends the process, maybe with the power, and starts it again.
    pub(super) fn crash(&mut self) {
        let durable = self.durable().0;
        let marks = self.leave_marks();
        self.finished.clear();
        self.cut_calls_off();
        self.frozen = None;
        self.witness.interrupt();
        self.fall();
        for _ in 0..MOST_RECOVERIES {
            if self.random.below(4) > 0 {
                break;
            }
            // The next start is cut short as well, if it takes long enough.
            self.machine.disk.crash_after(self.random.below(12));
            let is_cut_short = Process::start(&self.machine).is_err();
            self.note_if(Fault::CrashInRecovery, is_cut_short);
            self.fall();
        }
        self.process = match Process::start(&self.machine) {
            Ok(process) => process,
            Err(error) => panic!("the runtime does not start after a crash: {error}"),
        };
        self.note_if(Fault::CutTail, self.process.recovery.cut.is_some());
        let survived = self.durable().0;
        self.tell(|| format!("restart at transaction {survived}, {durable} were durable"));
        assert!(survived >= durable, "only {survived} of {durable} durable transactions are there");
        self.take_in_survivors(survived);
        self.records.lose(Sequence(survived));
        self.senders.restart(Offset(self.tail()));
        self.check_ages();
        self.process.sequencer().suspect(&marks);
        let jobs = self.process.sequencer().redrive_jobs();
        let goes_on = jobs.iter().any(|status| status.remaining > 0 && status.job.redriven > 0);
        self.note_if(Fault::JobWentOn, goes_on);
        let model = self.check();
        self.delivery.restarted(&model, &mut self.faults);
        self.note_probations();
        for at in 0..self.consumers.len() {
            if self.consumers.get(at).is_some_and(|declared| declared.is_attached) {
                // What cannot be attached for want of room is as good as detached until there is some.
                let is_attached = self.attach(at);
                self.consumers
                    .iter_mut()
                    .skip(at)
                    .take(1)
                    .for_each(|declared| declared.is_attached = is_attached);
            }
        }
    }

    /// The process is gone; what was not synced is left to chance if the power went with it.
    fn fall(&mut self) {
        self.pending = None;
        if self.random.coin() {
            self.note(Fault::Kill);
            self.tell(|| "kill".to_owned());
            self.machine.disk = self.machine.disk.after_kill();
        } else {
            self.note(Fault::PowerLoss);
            let (disk, losses) = self.machine.disk.after_power_loss(&mut self.random);
            self.tell(|| format!("the power fails: {losses:?}"));
            self.machine.disk = disk;
            self.note_if(Fault::LostWrites, losses.writes);
            self.note_if(Fault::ReorderedWrites, losses.reordered);
            self.note_if(Fault::TornWrite, losses.torn);
            self.note_if(Fault::LostNames, losses.names);
        }
        self.machine.store = Arc::new(self.machine.store.after_crash());
    }

    /// Brings the history in line with what survived: less than was appended, or, after a write that failed,
    /// more.
    fn take_in_survivors(&mut self, survived: u64) {
        let survived = usize::try_from(survived).expect("runs are short");
        self.history.truncate(survived);
        let next = self.history.len() as u64 + 1;
        let more = self.process.transactions_from(next);
        self.history.extend(more);
        assert_eq!(self.history.len(), survived, "the log holds what it says");
        self.note_ages();
    }

    /// Compares what the engine says, and what the world was told, with what the log says.
    pub(super) fn check(&mut self) -> Model {
        let first_offset = self.process.sequencer().first_offset();
        let specs: Vec<_> = self.consumers.iter().map(|declared| declared.spec.clone()).collect();
        let mut model = self.model();
        for transaction in &self.history {
            let attempts = self.records.of(model.sequence.next());
            model.apply(transaction, first_offset, attempts);
            self.witness.check_state(&model);
        }
        self.records.compared(model.sequence);
        self.witness.check_events(&model);
        self.calls_made.check(&model, &specs);
        self.check_ends();
        assert_eq!(Offset(model.events.len() as u64), Offset(self.tail()), "offsets are dense");
        self.check_standings(&model);
        self.check_jobs(&model);
        self.check_commands(&model);
        model
    }
}

/// Where the payload lies on the disk; nowhere if it is not the only one of its bytes.
pub(super) fn find(machine: &Machine, payload: &[u8]) -> Option<(String, usize)> {
    let names = machine.disk.list().expect("a copied disk is sound");
    let mut places = names.into_iter().flat_map(|name| {
        let bytes = machine.disk.bytes(&name);
        let starts = bytes.windows(payload.len()).enumerate().filter(|(_, window)| *window == payload);
        starts.map(|(position, _)| (name.clone(), position)).collect::<Vec<_>>()
    });
    let place = places.next()?;
    places.next().is_none().then_some(place)
}
