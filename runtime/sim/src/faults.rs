//! Everything that can happen to a run, and how often it did. CI wants to see each of them often.

use std::collections::BTreeMap;

macro_rules! faults {
    ($($name:ident => $text:literal,)*) => {
        /// Something that puts a promise to the test.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $(#[doc = $text] $name,)*
        }

        impl Fault {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// What it is, for people.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

faults! {
    Kill => "the process was killed",
    PowerLoss => "the power failed",
    LostWrites => "a power failure took unsynced writes",
    ReorderedWrites => "a later write survived an earlier one",
    TornWrite => "a write survived in part",
    LostNames => "a power failure took unsynced names of files",
    CutTail => "recovery cut a torn tail",
    DiskDied => "the disk died in the middle of an operation",
    CrashInRecovery => "a recovery was cut short",
    CrashInFlush => "a flush was cut short",
    CrashInTrim => "a trim was cut short",
    FailedSync => "a sync failed",
    FailedWrite => "a write failed",
    DiskFull => "the log's disk was full",
    StoreFull => "the store's disk was full",
    BitFlip => "a bit of a durable record flipped at rest",
    ClockBack => "the wall clock was set back",
    ClockAhead => "the wall clock jumped ahead",
    ClockRight => "the wall clock was set right",
    HandlerRetries => "a handler asked for another attempt",
    HandlerAsksTooMuch => "a handler asked for an attempt that would never come",
    HandlerRejects => "a handler rejected an event",
    HandlerTraps => "a handler trapped",
    HandlerLate => "a handler passed its deadline",
    HandlerRefused => "an effect was refused",
    HandlerScans => "a handler scanned its state",
    HandlerPublishes => "a handler published",
    HandlerSchedules => "a handler set a timer",
    HandlerCancels => "a handler cancelled a timer",
    TooManyTimers => "a handler set more timers than it may",
    TooManyHops => "a chain of causes was too long",
    Conflict => "a batch had read what another one changed",
    WriteSkew => "two batches or calls each read what the other one wrote, and wrote nothing in common",
    Phantom => "an entry appeared or went in what a batch or call had scanned",
    ScanStood => "a batch or call that had scanned committed beside one that wrote other keys",
    TornRead => "a key changed between two reads of a batch or call",
    OnlyRead => "a batch or call that only read committed beside one that wrote",
    Stale => "a batch came back to a consumer that began anew",
    TimerFired => "a timer fired",
    Parked => "an event waited behind a dead letter",
    Passed => "a redriven event waited that later ones of its key had passed",
    DeadLetter => "an event became a dead letter",
    AtBound => "a consumer's held events were at their bound",
    Lagging => "a consumer read the log itself",
    Unready => "a producer had to wait",
    Gap => "a consumer came back after the log was trimmed beyond it",
    Paused => "a consumer was paused by hand",
    Resumed => "a consumer that was paused by hand was resumed",
    PauseSurvived => "a pause by hand outlasted a crash",
    CircuitOpened => "a circuit breaker opened",
    OnTrial => "a batch was taken on trial",
    TrialFailed => "a trial failed and the circuit opened again",
    CircuitClosed => "a trial succeeded and the circuit closed",
    Throttled => "a rate limit held a consumer up",
    KeptWorker => "the last free worker was kept for a consumer that ran nothing",
    Replaced => "a plugin was replaced",
    ReplacedOnProbation => "a plugin was replaced while it was on probation",
    OnProbation => "a new version was put on probation",
    Suspended => "events waited for the end of a probation",
    RetriedOnProbation => "an attempt on probation asked for another",
    Accepted => "a probation was passed",
    FailedAtTheEnd => "few events failed a version at the end of its probation",
    RolledBack => "a version was rolled back by itself",
    Stopped => "a version failed with nothing to go back to",
    ProbationSurvived => "a probation outlasted a crash",
    RolledBackByHand => "a version was rolled back by hand",
    Pinned => "a version was pinned",
    Unpinned => "a consumer was let go from its pin",
    Detached => "a plugin was removed",
    PutBack => "a plugin was put back",
    Created => "a consumer was created",
    Removed => "a consumer was forgotten",
    Reset => "a consumer was reset",
    CalledAgain => "a sink made a call that may be repeated",
    CalledOnce => "a sink made a call that must not be repeated",
    BatchesTogether => "a consumer had several batches in hand",
    CallsTogether => "a sink had several calls under way",
    CallConflict => "a call had read what another one changed",
    CallCutOff => "a crash cut off a call that was made",
    Trimmed => "the log was trimmed",
    Suspected => "an event was being handled when the process ended",
    LoneEnd => "the process ended while an event ran alone",
    Condemned => "an event became a dead letter because the process ended while it ran",
    Redriven => "a dead letter was redriven",
    Discarded => "a dead letter was discarded",
    HeldRetried => "a held event was made due by hand",
    HeldSetAside => "a held event was made a dead letter by hand",
    HeldAttempted => "a held event was left alone, since it was being attempted",
    HeldWaited => "a held event was left alone, since it waited for something else",
    JobStarted => "a redrive job was started",
    JobCancelled => "a redrive job was cancelled",
    JobDone => "a redrive job redrove several dead letters and ended",
    JobWentOn => "a redrive job went on after a crash",
    JobFoundGone => "a redrive job found dead letters gone",
    DeadAgain => "what a job had redriven became a dead letter again",
    DamagedEvents => "a consumer met damaged events",
    DamagedState => "a consumer met damaged state",
    Skipped => "a consumer went on without damaged events",
    DamageReset => "a consumer with damaged state began anew",
    SameAgain => "a producer repeated an event",
    ShortOfInstances => "a batch or call found no instance and went back",
    OtherAgain => "a producer used an id again for something else",
    CommandAccepted => "a command was accepted",
    CommandRefused => "a command was refused by its owner",
    CommandExpired => "a command expired before it was decided",
    CommandDiscarded => "a dead command was discarded",
    CommandRedriven => "a dead command was redriven and decided",
    CommandRepeated => "a sender repeated a command",
    CommandAnsweredLate => "a repeated command was decided, and the log did not hold it any more",
    CommandKnownLate => "a repeated command was undecided, and the log did not hold it any more",
    CommandConflict => "a sender used an id again for another command",
    CommandUnowned => "a command had no owner that runs",
    CommandAsEvent => "an event had the type of a command",
    CommandSeen => "a consumer received commands that it does not own",
    CommandsKept => "undecided commands kept their owner",
    CommandMismatched => "a scope had another version than a command expected",
    FactRecorded => "a decision recorded a fact",
    FactAboutTwo => "a fact was about two scopes",
    FactForged => "an event had the type of a fact",
    Refolded => "a fold was made again by code of another revision",
    NotReset => "a consumer that decides commands was not reset",
}

/// How often each fault occurred.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(BTreeMap<Fault, u64>);

impl Faults {
    /// Notes one.
    pub fn note(&mut self, fault: Fault) {
        *self.0.entry(fault).or_default() += 1;
    }

    /// Notes one that occurred if `is_so`.
    pub fn note_if(&mut self, fault: Fault, is_so: bool) {
        if is_so {
            self.note(fault);
        }
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: &Self) {
        for (fault, count) in &other.0 {
            *self.0.entry(*fault).or_default() += count;
        }
    }

    /// How often `fault` occurred.
    #[must_use]
    pub fn count(&self, fault: Fault) -> u64 {
        self.0.get(&fault).copied().unwrap_or(0)
    }

    /// All faults with their counts, those that never occurred too.
    pub fn iter(&self) -> impl Iterator<Item = (Fault, u64)> {
        Fault::ALL.iter().map(|fault| (*fault, self.count(*fault)))
    }
}
