//! Delivery: who gets which event, when, how often, and what commits.
//!
//! Pure decisions: inputs in, decisions out, the time and random numbers passed in. The [`Sequencer`] is the
//! one critical section, [`run_batch`] the worker's step; neither has a thread, a socket or wasmtime, so the
//! simulator runs exactly this code.

mod alarm;
mod attempt;
mod backoff;
mod batch;
mod circuit;
mod clock;
mod consumer;
mod consumers;
mod damage;
mod dead_letter;
mod durability;
mod executor;
mod facts;
mod held_keys;
mod log_writer;
mod notice;
mod options;
mod owners;
mod partition;
mod published;
mod retention;
mod routes;
mod run;
mod schedule;
mod sequenced;
mod sequencer;
mod shared;
mod spec;
mod suspects;
mod system_event;
mod timers;
mod tokens;
mod write_queue;

pub use alarm::Alarm;
pub use attempt::{Attempt, LogLine, StateReader};
pub use batch::{Batch, SharedEvent};
pub use clock::{Clock, Reading, SteadyTime};
pub use consumer::LastFailure;
pub use damage::{Damage, DamagedPart};
pub use facts::copy::{Copied, FactCopy};
pub use facts::{EvolveFacts, FACTS_PER_CALL, Fact, FactsError, FoldError, fold_from_facts};
pub use log_writer::{LogWriter, Trimmed};
pub use notice::{Notice, Noticed};
pub use options::EngineOptions;
pub use retention::{Jump, Retention, RetentionOptions};
pub use run::{Call, CallStart, Finished, Handler, Rehearsal, Rehearsed, WorkerContext, run_batch};
pub use sequenced::Sequenced;
pub use sequencer::{
    Attached, CommandState, Committed, ConsumerError, ConsumerState, DeadLetterEntry, DeadLetterError,
    DeadPortion, FoundDeadLetter, FoundHeld, HeldError, HeldEventEntry, HistoryEntry, LagRead, LogEvents,
    OldestHeld, Pause, ProbationState, Probe, PublishRefusal, ReadError, Receipt, Receipts, RecoverError,
    RedriveError, RedrivePreview, RedriveStatus, RefoldCommit, Release, ResetPlace, ResetTo, Sequencer,
    Skipped, Standing, Unhandled, Unready, Verdict, VerdictOutcome, WaitsFor, first_offset_since,
};
pub use shared::SharedSequencer;
pub use spec::ConsumerSpec;
pub use suspects::Mark;
pub use write_queue::QueuedRecord;
