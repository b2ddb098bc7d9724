//! Bugs on demand: each promise's guard can be taken out, to show that the simulator would notice.
//!
//! The guarded places of `log`, `tables` and `engine` ask [`is_on`]. Without the feature `armed` the answer
//! is a constant `false`, and nothing of this is in the program; with it, the simulator turns one switch for
//! its thread.

#[cfg(feature = "armed")]
use std::cell::Cell;

/// A guard that is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// The log does not sync what it says is durable.
    SkipSync,
    /// Producers are answered before their events are durable.
    AnswerBeforeSync,
    /// An event is done in one transaction, and its effects commit in the next.
    DoneBeforeEffects,
    /// Some published identities are not remembered.
    ForgetIdentity,
    /// An event is tried although an earlier one of its key waits.
    PassHeldKey,
    /// Records are read whatever their checksums say.
    AcceptBadChecksum,
    /// What waits behind a dead letter is run last first.
    LoseParkedOrder,
    /// What a failed attempt wrote is committed.
    LeakFailedState,
    /// A recovered process does not know of some timers.
    DropTimerAtRecovery,
    /// A snapshot is written before the log is durable up to it.
    FlushAheadOfLog,
    /// A batch commits whatever happened to what it had read.
    SkipReadValidation,
    /// A consumer says that it has read all there is.
    AdvanceCheckpoint,
    /// The log is trimmed without asking who still needs it.
    TrimUnread,
    /// Published events do not say what caused them.
    ForgetCause,
    /// A consumer goes on although an operator has paused it.
    IgnorePause,
    /// The consumer that became ready last gets the next turn.
    LastComesFirst,
    /// The last free worker goes to whoever is first, whatever that one runs already.
    GiveLastWorker,
    /// A rate limit counts batches instead of events.
    CountBatches,
    /// A new version stays, however many of its events fail on probation.
    RollBackNever,
    /// What fails on probation is an attempt like any other.
    CountDuringProbation,
    /// An attempt that asks for another on probation counts towards the most attempts.
    CountProbationRetries,
    /// A probation ends well if too few events were handled to fail it before.
    SkipFinalVerdict,
    /// A sink's call is made whether or not its event is durable.
    CallBeforeDurable,
    /// A consumer that meets damaged events goes on behind them as if there were none.
    PassDamage,
    /// Retries, rate limits and pauses wait by the wall clock, also when it is set.
    WaitByWallClock,
    /// A shortage of instances counts as a failed attempt.
    CountShortage,
    /// An event is condemned at the first end of the process while it runs alone.
    CondemnAtFirstEnd,
    /// The log is trimmed by what the wall clock says alone.
    TrimByWallClock,
    /// The log is trimmed as far as it is written, whatever was asked.
    TrimWritten,
    /// Some decisions of commands are not remembered.
    ForgetAnswer,
    /// Some facts are not found under their scopes.
    ForgetFact,
    /// The log is trimmed without copying the facts in it.
    TrimUncopied,
    /// A decision ignores the versions that its sender expects.
    IgnoreExpectation,
    /// A fold of another revision is read as if it were of this one.
    KeepStaleFold,
    /// A scope that a decision only records about does not count as read.
    RecordUnread,
    /// A fact has the ordering key of its command.
    KeyOfCommand,
    /// A command that is held or dead is forgotten with the log that held it.
    ForgetUndecided,
    /// A refused command keeps its effects.
    KeepRefusedEffects,
    /// An event that is no command reaches the owner of its type.
    DeliverUnmarked,
    /// A batch does not remember that it scanned its state.
    ForgetScan,
    /// A key that changed while a batch read it twice counts as what it was at first.
    IgnoreTornRead,
    /// A retry waits as long as its handler asks, also beyond the age that its event may have.
    WaitAsLongAsAsked,
    /// A retry waits as its handler asks, also if that is less than the backoff.
    AskReplacesBackoff,
    /// An operator may set an event aside while it is being attempted.
    ActAmidAttempt,
    /// An operator may set an event aside that waits behind another.
    ActOutOfTurn,
    /// What an operator makes due or sets aside is not written.
    ActUnwritten,
    /// The event of a timer set a second or more ahead counts the hops of its cause.
    KeepHopsOfTimers,
    /// A scanned range counts as unchanged if its changes have been flushed.
    TrustFlushedRange,
}

impl Sabotage {
    /// All of them.
    pub const ALL: [Self; 48] = [
        Self::SkipSync,
        Self::AnswerBeforeSync,
        Self::DoneBeforeEffects,
        Self::ForgetIdentity,
        Self::PassHeldKey,
        Self::AcceptBadChecksum,
        Self::LoseParkedOrder,
        Self::LeakFailedState,
        Self::DropTimerAtRecovery,
        Self::FlushAheadOfLog,
        Self::SkipReadValidation,
        Self::AdvanceCheckpoint,
        Self::TrimUnread,
        Self::ForgetCause,
        Self::IgnorePause,
        Self::LastComesFirst,
        Self::GiveLastWorker,
        Self::CountBatches,
        Self::RollBackNever,
        Self::CountDuringProbation,
        Self::CountProbationRetries,
        Self::SkipFinalVerdict,
        Self::CallBeforeDurable,
        Self::PassDamage,
        Self::WaitByWallClock,
        Self::CountShortage,
        Self::CondemnAtFirstEnd,
        Self::TrimByWallClock,
        Self::TrimWritten,
        Self::ForgetAnswer,
        Self::ForgetUndecided,
        Self::KeepRefusedEffects,
        Self::DeliverUnmarked,
        Self::ForgetScan,
        Self::IgnoreTornRead,
        Self::WaitAsLongAsAsked,
        Self::AskReplacesBackoff,
        Self::ActAmidAttempt,
        Self::ActOutOfTurn,
        Self::ActUnwritten,
        Self::KeepHopsOfTimers,
        Self::TrustFlushedRange,
        Self::ForgetFact,
        Self::IgnoreExpectation,
        Self::KeepStaleFold,
        Self::RecordUnread,
        Self::KeyOfCommand,
        Self::TrimUncopied,
    ];
}

#[cfg(feature = "armed")]
thread_local! {
    static ACTIVE: Cell<Option<Sabotage>> = const { Cell::new(None) };
}

/// Whether the guard is out on this thread.
#[cfg(feature = "armed")]
#[must_use]
pub fn is_on(sabotage: Sabotage) -> bool {
    ACTIVE.get() == Some(sabotage)
}

/// Never: the guards stand.
#[cfg(not(feature = "armed"))]
#[inline(always)]
#[must_use]
pub const fn is_on(_: Sabotage) -> bool {
    false
}

/// Takes a guard out on this thread, or puts all back.
#[cfg(feature = "armed")]
pub fn set(sabotage: Option<Sabotage>) {
    ACTIVE.set(sabotage);
}
