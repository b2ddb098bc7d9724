//! What calls handlers in a process: a worker thread with its batch, or a task of a sink with its call.
//!
//! It holds no lock while a handler runs, so the rest of the process goes on meanwhile.

use std::sync::Arc;

use camshaft_engine::{
    Attempt, Batch, Call, CallStart, EngineOptions, Finished, Handler, Mark, StateReader, WorkerContext,
    run_batch,
};
use camshaft_event::Answer;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::clock::SimClock;

pub(crate) struct Worker {
    options: Arc<EngineOptions>,
    reader: Arc<dyn StateReader>,
    clock: Arc<SimClock>,
    jitter: ChaCha8Rng,
}

impl Worker {
    /// A worker of one process. The seed decides the jitter of retries.
    pub(super) fn new(
        options: Arc<EngineOptions>,
        reader: Arc<dyn StateReader>,
        clock: Arc<SimClock>,
        seed: u64,
    ) -> Self {
        Self { options, reader, clock, jitter: ChaCha8Rng::seed_from_u64(seed) }
    }

    fn context(&mut self) -> WorkerContext<'_> {
        WorkerContext {
            options: &self.options,
            reader: &self.reader,
            clock: &*self.clock,
            random: &mut self.jitter,
        }
    }

    pub(crate) fn run(&mut self, batch: Batch, handler: &mut dyn Handler) -> Finished {
        run_batch(batch, self.context(), handler)
    }

    /// Runs a batch in a process that ends amid it. Returns the marks of its calls; it ended in one of them.
    pub(crate) fn run_into_the_end(&mut self, batch: Batch) -> Vec<Mark> {
        let mut marking = Marking::default();
        self.run(batch, &mut marking);
        marking.0
    }

    pub(crate) fn begin(&mut self, batch: Batch) -> CallStart {
        Call::begin(batch, self.context())
    }

    pub(crate) fn run_short(&mut self, call: Call, attempt: Attempt) -> Finished {
        call.run_short(attempt, &mut self.jitter)
    }

    pub(crate) fn end(&mut self, call: Call, answer: Answer, attempt: Attempt) -> Finished {
        call.end(answer, attempt, &mut self.jitter)
    }
}

/// A handler that leaves marks and nothing else.
#[derive(Default)]
struct Marking(Vec<Mark>);

impl Handler for Marking {
    fn call(&mut self, attempt: Attempt) -> (Answer, Attempt) {
        self.0.push(attempt.mark());
        (Answer::Done, attempt)
    }
}
