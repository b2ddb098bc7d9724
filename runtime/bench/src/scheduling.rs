//! How peers' threads are scheduled: like the runtime's sync thread, real-time where the system permits it.

use std::ffi::OsStr;
use std::fmt;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use thread_priority::unix::{
    RealtimeThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};
use thread_priority::{ThreadPriority, ThreadPriorityValue};

/// What the system permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduling {
    /// The lowest real-time priority, as the runtime asks for.
    RealTime,
    /// Like any other program.
    Normal,
}

impl Scheduling {
    /// Tried once.
    pub fn of_peers() -> Self {
        static TRIED: OnceLock<Scheduling> = OnceLock::new();
        *TRIED.get_or_init(|| if works("chrt", &["-f", "1", "true"]) { Self::RealTime } else { Self::Normal })
    }
}

impl fmt::Display for Scheduling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RealTime => "real-time (SCHED_FIFO, all threads, by `chrt -f 1`)",
            Self::Normal => "normal (`chrt -f 1` is not permitted)",
        })
    }
}

/// A command that runs `program` as the peers are scheduled.
pub fn as_peer(program: impl AsRef<OsStr>) -> Command {
    match Scheduling::of_peers() {
        Scheduling::RealTime => wrapped(&["chrt", "-f", "1"], program.as_ref()),
        Scheduling::Normal => wrapped(&[], program.as_ref()),
    }
}

/// A command that runs `program` like any other.
pub fn as_usual(program: impl AsRef<OsStr>) -> Command {
    wrapped(&[], program.as_ref())
}

/// Whatever runs dies with the bench, even if that is killed, where the system can do that.
fn wrapped(before: &[&str], program: &OsStr) -> Command {
    static DIES_WITH_US: OnceLock<bool> = OnceLock::new();
    let dies = ["setpriv", "--pdeathsig", "KILL"];
    let dies_with_us = *DIES_WITH_US.get_or_init(|| works("setpriv", &["--pdeathsig", "KILL", "true"]));
    let before = before.iter().chain(if dies_with_us { dies.as_slice() } else { &[] }).map(OsStr::new);
    let mut words = before.chain([program]);
    let mut command = Command::new(words.next().unwrap_or(program));
    command.args(words);
    command
}

/// Asks for the same for the calling thread, for what syncs in this process; without, it goes on as it is.
pub fn raise_this_thread() {
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    if let Ok(lowest) = ThreadPriorityValue::try_from(1u8) {
        let priority = ThreadPriority::Crossplatform(lowest);
        let _: Result<(), _> = set_thread_priority_and_policy(thread_native_id(), priority, policy);
    }
}

fn works(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
