//! The runtime's own events: `camshaft.*`, source `/camshaft`. `runtime/EVENTS.md` lists them; a test
//! compares.
//!
//! Each goes into the transaction that it tells about. Its id is unique by construction, so it is not entered
//! in the dedupe index. Data is JSON. No wildcard matches these types unless it starts with `camshaft.`.

mod data;
#[cfg(test)]
mod tests;

use camshaft_event::transaction::{Activation, Measure, RedriveJob, RolledBack};
use camshaft_event::{
    ActivationId, Event, FailureCause, Generation, Offset, RedriveId, RefusalCode, Sequence, Timestamp,
    reserved,
};

use crate::clock::rfc3339;
use crate::sequencer::Skipped;

/// What an activation did with events, and what the one before did.
pub(crate) type Measures = (Measure, Measure);

/// Something that the runtime says of itself. `sequence` is that of the transaction that says it.
#[derive(Debug)]
pub(crate) enum SystemEvent<'e> {
    /// A pause of a consumer begins.
    Paused { consumer: &'e str, pause: PauseBegins<'e>, sequence: Sequence },
    /// A pause of a consumer ends; others may go on.
    Resumed { consumer: &'e str, pause: PauseEnds, sequence: Sequence },
    /// A consumer's plugin is gone.
    Detached { consumer: &'e str, sequence: Sequence },
    /// A consumer is forgotten. `generation` is the one that a consumer of its name would begin with.
    Removed { consumer: &'e str, generation: Generation },
    /// A consumer begins anew at `offset`.
    Reset { consumer: &'e str, generation: Generation, offset: Offset, kept_state: bool, dropped: Dropped },
    /// A damaged consumer goes on without what it cannot read.
    Skipped { consumer: &'e str, skipped: &'e Skipped, sequence: Sequence },
    /// A consumer came back when the log had been trimmed beyond its place.
    Gap { consumer: &'e str, generation: Generation, missed_from: Offset, missed_until: Offset },
    /// A consumer runs something else from now on.
    Activated { consumer: &'e str, activation: &'e Activation },
    /// What a consumer ran is taken back.
    RolledBack { consumer: &'e str, before: &'e Activation, after: &'e Activation, told: &'e RolledBack },
    /// An activation has passed its probation.
    Accepted { consumer: &'e str, activation: ActivationId, measures: Measures },
    /// A plugin file was not taken.
    Refused { file: &'e str, code: RefusalCode, message: &'e str, sequence: Sequence },
    /// An operator lets a consumer run only the version with this digest, or any again.
    Pinned { consumer: &'e str, digest: Option<&'e str>, sequence: Sequence },
    /// An event became a dead letter.
    DeadLetterAdded {
        consumer: &'e str,
        generation: Generation,
        offset: Offset,
        event_type: &'e str,
        reason: Option<FailureCause>,
        /// The first line of what the last attempt failed with.
        error: &'e str,
        attempts: u32,
        redrives: u32,
        /// Whether an operator set it aside.
        is_by_hand: bool,
    },
    /// An operator made a held event due.
    HeldRetried { consumer: &'e str, offset: Offset, sequence: Sequence },
    /// A dead letter was sent back or dropped. `redrives` counts this one.
    DeadLetterGone {
        consumer: &'e str,
        generation: Generation,
        offset: Offset,
        act: DeadLetterAct,
        redrives: u32,
        /// The job that did it; none by hand.
        job: Option<RedriveId>,
    },
    /// A redrive job begins.
    RedriveStarted { job: &'e RedriveJob },
    /// A redrive job has ended by itself, or was cancelled.
    RedriveEnded { job: &'e RedriveJob, is_cancelled: bool },
}

/// The pause that begins, with what is said of it.
#[derive(Debug)]
pub(crate) enum PauseBegins<'e> {
    Operator,
    Probation {
        activation: ActivationId,
        /// The first line of what it failed with.
        error: Option<&'e str>,
        measures: Measures,
    },
    Breaker {
        until: Timestamp,
    },
    Bound {
        held: usize,
        dead: usize,
    },
    Damaged {
        part: &'e str,
        error: &'e str,
    },
}

/// The pause that ends, with what is said of it.
#[derive(Debug)]
pub(crate) enum PauseEnds {
    Operator,
    Probation,
    Breaker,
    Bound { held: usize, dead: usize },
    Damaged,
}

/// How much a reset dropped.
#[derive(Debug)]
pub(crate) struct Dropped {
    pub(crate) held: usize,
    pub(crate) dead: usize,
    pub(crate) timers: usize,
}

/// What was done with a dead letter.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DeadLetterAct {
    Redriven,
    Discarded,
}

/// All types, without the `camshaft.` that they begin with.
const TYPES: [&str; 20] = [
    "consumer.paused",
    "consumer.resumed",
    "consumer.detached",
    "consumer.removed",
    "consumer.reset",
    "consumer.skipped",
    "consumer.gap",
    "plugin.activated",
    "plugin.rolled-back",
    "plugin.accepted",
    "plugin.refused",
    "plugin.pinned",
    "plugin.unpinned",
    "held.retried",
    "dead-letter.added",
    "dead-letter.redriven",
    "dead-letter.discarded",
    "redrive.started",
    "redrive.finished",
    "redrive.cancelled",
];

impl SystemEvent<'_> {
    /// The event that says it.
    pub(crate) fn at(&self, at: Timestamp) -> Event {
        let kind = self.kind();
        debug_assert!(TYPES.contains(&kind), "{kind} is not among the types that are tested");
        Event {
            id: self.id(),
            source: reserved::SOURCE.to_owned(),
            event_type: format!("{}.{kind}", reserved::TYPE),
            subject: Some(self.subject().to_owned()),
            time: Some(rfc3339(at)),
            datacontenttype: Some("application/json".to_owned()),
            data: self.data().to_string().into_bytes(),
            ..Event::default()
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Paused { .. } => "consumer.paused",
            Self::Resumed { .. } => "consumer.resumed",
            Self::Detached { .. } => "consumer.detached",
            Self::Removed { .. } => "consumer.removed",
            Self::Reset { .. } => "consumer.reset",
            Self::Skipped { .. } => "consumer.skipped",
            Self::Gap { .. } => "consumer.gap",
            Self::Activated { .. } => "plugin.activated",
            Self::RolledBack { .. } => "plugin.rolled-back",
            Self::Accepted { .. } => "plugin.accepted",
            Self::Refused { .. } => "plugin.refused",
            Self::Pinned { digest: Some(_), .. } => "plugin.pinned",
            Self::Pinned { digest: None, .. } => "plugin.unpinned",
            Self::HeldRetried { .. } => "held.retried",
            Self::DeadLetterAdded { .. } => "dead-letter.added",
            Self::DeadLetterGone { act: DeadLetterAct::Redriven, .. } => "dead-letter.redriven",
            Self::DeadLetterGone { act: DeadLetterAct::Discarded, .. } => "dead-letter.discarded",
            Self::RedriveStarted { .. } => "redrive.started",
            Self::RedriveEnded { is_cancelled: false, .. } => "redrive.finished",
            Self::RedriveEnded { is_cancelled: true, .. } => "redrive.cancelled",
        }
    }

    /// Unique among the runtime's own events, also over restarts.
    fn id(&self) -> String {
        match self {
            Self::Paused { consumer, sequence, .. } => format!("paused-{consumer}-{sequence}"),
            Self::Resumed { consumer, sequence, .. } => format!("resumed-{consumer}-{sequence}"),
            Self::Detached { consumer, sequence } => format!("detached-{consumer}-{sequence}"),
            Self::Removed { consumer, generation } => format!("removed-{consumer}-{generation}"),
            Self::Reset { consumer, generation, .. } => format!("reset-{consumer}-{generation}"),
            Self::Skipped { consumer, sequence, .. } => format!("skipped-{consumer}-{sequence}"),
            Self::Gap { consumer, generation, missed_until, .. } => {
                format!("gap-{consumer}-{generation}-{missed_until}")
            }
            Self::Activated { activation, .. } => format!("activated-{}", activation.id),
            Self::RolledBack { before, .. } => format!("rolled-back-{}", before.id),
            Self::Accepted { activation, .. } => format!("accepted-{activation}"),
            Self::Refused { sequence, .. } => format!("refused-{sequence}"),
            Self::Pinned { consumer, digest: Some(_), sequence } => format!("pinned-{consumer}-{sequence}"),
            Self::Pinned { consumer, digest: None, sequence } => format!("unpinned-{consumer}-{sequence}"),
            Self::HeldRetried { consumer, offset, sequence } => {
                format!("retried-{consumer}-{offset}-{sequence}")
            }
            Self::DeadLetterAdded { consumer, generation, offset, redrives, .. } => {
                format!("dead-letter-{consumer}-{generation}-{offset}-{redrives}")
            }
            Self::DeadLetterGone { consumer, generation, offset, act, redrives, .. } => {
                let act = match act {
                    DeadLetterAct::Redriven => "redriven",
                    DeadLetterAct::Discarded => "discarded",
                };
                format!("{act}-{consumer}-{generation}-{offset}-{redrives}")
            }
            Self::RedriveStarted { job } => format!("redrive-started-{}", job.id),
            Self::RedriveEnded { job, is_cancelled: false } => format!("redrive-finished-{}", job.id),
            Self::RedriveEnded { job, is_cancelled: true } => format!("redrive-cancelled-{}", job.id),
        }
    }

    /// What it is about: a consumer, or a plugin file.
    fn subject(&self) -> &str {
        match self {
            Self::Paused { consumer, .. }
            | Self::Resumed { consumer, .. }
            | Self::Detached { consumer, .. }
            | Self::Removed { consumer, .. }
            | Self::Reset { consumer, .. }
            | Self::Skipped { consumer, .. }
            | Self::Gap { consumer, .. }
            | Self::Activated { consumer, .. }
            | Self::RolledBack { consumer, .. }
            | Self::Accepted { consumer, .. }
            | Self::Pinned { consumer, .. }
            | Self::HeldRetried { consumer, .. }
            | Self::DeadLetterAdded { consumer, .. }
            | Self::DeadLetterGone { consumer, .. } => consumer,
            Self::Refused { file, .. } => file,
            Self::RedriveStarted { job } | Self::RedriveEnded { job, .. } => &job.selection.consumer,
        }
    }
}
