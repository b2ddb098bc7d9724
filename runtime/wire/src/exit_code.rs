//! The exit codes of the program. Each error of the catalogue has one of them.

/// Exit code of the process. Stable: scripts depend on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ExitCode {
    /// Done.
    Done = 0,
    /// Internal error of the program.
    Internal = 1,
    /// Wrong usage or settings: an unknown flag or key, a port in use.
    Usage = 2,
    /// The input was refused, or names an item that does not exist.
    Refused = 3,
    /// The runtime does not respond, or cannot serve the request now.
    Unreachable = 4,
    /// The data directory is unusable, or in use.
    DataDirectory = 5,
    /// Part of the input was refused.
    PartlyRefused = 6,
    /// A failed sync poisoned the log.
    Poisoned = 7,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
