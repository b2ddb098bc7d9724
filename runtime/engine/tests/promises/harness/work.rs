//! What the runtime's threads do, a method each, called in whatever order a test wants.

use camshaft_engine::{
    Attempt, Batch, Committed, Copied, Finished, Handler, LagRead, LogEvents, Trimmed, WorkerContext,
    run_batch,
};
use camshaft_event::{Answer, Timestamp};
use camshaft_log::LogError;
use camshaft_tables::{forget_before, sweep_state};

use super::{Running, Scripted, World};

/// Rounds after which a world that should have come to rest never will.
const MOST_ROUNDS: usize = 20_000;

impl World {
    // --- a worker ---

    pub fn take(&mut self) -> Option<Batch> {
        let now = self.now();
        self.sequencer().take(now).unwrap()
    }

    pub fn run(&mut self, batch: Batch) -> Finished {
        let (context, mut scripted) = self.worker();
        scripted.consumer.clone_from(&batch.spec.name);
        run_batch(batch, context, &mut scripted)
    }

    /// What a worker needs to run a batch.
    fn worker(&mut self) -> (WorkerContext<'_>, Scripted<'_>) {
        let scripted = Scripted {
            plugins: &mut self.plugins,
            calls: &self.calls,
            clock: &self.clock,
            shortages: &self.shortages,
            consumer: String::new(),
        };
        let context = WorkerContext {
            options: &self.options,
            reader: &self.running.as_ref().unwrap().reader,
            clock: &*self.clock,
            random: &mut self.random,
        };
        (context, scripted)
    }

    /// Runs a batch that finds an instance for so many of its events, and none for the next one.
    pub fn run_short_after(&mut self, batch: Batch, calls: usize) -> Finished {
        struct Short<'w>(Scripted<'w>, usize);
        impl Handler for Short<'_> {
            fn get_ready(&mut self, _: &Attempt) -> bool {
                self.1 > 0
            }

            fn call(&mut self, attempt: Attempt) -> (Answer, Attempt) {
                self.1 -= 1;
                self.0.call(attempt)
            }
        }
        let (context, scripted) = self.worker();
        run_batch(batch, context, &mut Short(scripted, calls))
    }

    pub fn commit(&mut self, finished: Finished) -> Committed {
        let now = self.now();
        self.sequencer().commit(finished, now).unwrap()
    }

    /// Takes, runs and commits one batch, if there is one.
    pub fn step(&mut self) -> Option<Committed> {
        let batch = self.take()?;
        let finished = self.run(batch);
        Some(self.commit(finished))
    }

    // --- the writer ---

    /// Appends what is queued; whether there was anything.
    pub fn append(&mut self) -> bool {
        let records = self.sequencer().take_queue();
        self.running().log.append(&records).unwrap();
        !records.is_empty()
    }

    /// Syncs what was appended, and says so.
    pub fn sync_appended(&mut self) {
        let running = self.running();
        running.log.sync().unwrap();
        // A full disk is part of some tests.
        _ = running.log.reserve();
        running.log.announce(&mut running.shared.lock());
    }

    /// One group commit; whether there was anything to write.
    pub fn sync(&mut self) -> bool {
        let appended = self.append();
        self.sync_appended();
        appended
    }

    /// Copies facts and trims the log, as far as snapshot and consumers allow.
    pub fn trim(&mut self) {
        let before = self.may_trim();
        self.try_copy(before).unwrap();
        self.try_cut(before).unwrap();
        self.sync_appended();
    }

    /// The sequence before which snapshot and consumers let the log go.
    pub fn may_trim(&mut self) -> u64 {
        let needed = self.sequencer().needed(self.now());
        let reader = self.log();
        // Something pins what is gone already: a consumer that came back after too long.
        let pinned_offset = needed.next_offset.0.max(reader.bounds().first_offset);
        let pinned = reader.find_offset(pinned_offset).unwrap();
        pinned.unwrap_or(reader.bounds().last_sequence).min(needed.sequence.next().0)
    }

    /// Copies the facts before this sequence, in one step.
    pub fn try_copy(&mut self, before: u64) -> Result<Copied, LogError> {
        let Running { log, shared, copy, .. } = self.running();
        copy.copy(&*log.reader(), shared, before)
    }

    /// Trims the log without copying anything.
    pub fn try_cut(&mut self, before: u64) -> Result<Trimmed, LogError> {
        self.running().log.trim(before)
    }

    // --- reader, timekeeper, flusher ---

    pub fn next_read(&mut self) -> Option<LagRead> {
        let now = self.now();
        self.sequencer().next_read(now).unwrap()
    }

    pub fn feed(&mut self, read: &LagRead, found: LogEvents) {
        let now = self.now();
        self.sequencer().feed(read, found, now).unwrap();
    }

    /// Serves one read of the log for a lagging consumer; whether one was wanted.
    pub fn read(&mut self) -> bool {
        let Some(read) = self.next_read() else { return false };
        let (log, now) = (self.running().log.reader(), self.now());
        match read.read(&*log, 4_096) {
            Ok(found) => self.feed(&read, found),
            Err(error) => {
                let damage = read.damage(&*log, error).unwrap();
                self.sequencer().read_damaged(&read, damage, now).unwrap();
            }
        }
        true
    }

    pub fn tick(&mut self) -> Option<Timestamp> {
        let now = self.now();
        self.sequencer().tick(now).unwrap()
    }

    /// Writes a snapshot, after a sync; whether there was anything new.
    pub fn flush(&mut self) -> bool {
        let Some(frozen) = self.sequencer().freeze() else { return false };
        self.sync();
        frozen.write(&*self.store).unwrap();
        self.sequencer().flushed().unwrap();
        true
    }

    /// Deletes old state values, and forgets events before the log's begin; how many of the former there
    /// were.
    pub fn sweep(&mut self, max_entries: usize) -> usize {
        forget_before(&*self.store, self.sequencer().first_offset());
        sweep_state(&*self.store, max_entries).unwrap()
    }

    // --- all of them ---

    /// Does all work that can be done at this moment.
    pub fn settle(&mut self) {
        for _ in 0..MOST_ROUNDS {
            self.tick();
            let mut has_worked = self.read();
            has_worked |= self.step().is_some();
            has_worked |= self.step_call().is_some();
            has_worked |= self.sync();
            // A sync may have made room for a worker.
            if !has_worked && !self.has_something() {
                return;
            }
        }
        panic!("the world does not come to rest");
    }

    /// The same, and on to the next moment at which something is due, until nothing is.
    pub fn settle_all(&mut self) {
        for _ in 0..MOST_ROUNDS {
            self.settle();
            match self.sequencer().next_due() {
                Some(due) => self.clock.set(due.max(self.now())),
                None => return,
            }
        }
        panic!("something is due for ever");
    }

    fn has_something(&self) -> bool {
        let sequencer = self.sequencer();
        sequencer.has_work() || sequencer.has_calls()
    }
}
