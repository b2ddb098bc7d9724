//! File descriptors: raises the limit to the maximum that the system allows, and reserves some for the log
//! and the tables.
//!
//! Clients must not be able to use the last descriptor: a log that cannot create its next file stops.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors reserved for files of the log, tables and plugins, and for wakeups of threads, if the limit
/// allows.
const RESERVED: u64 = 128;

/// Raises the limit on open files to this user's maximum. Returns the maximum number of connections:
/// `wanted`, or fewer if the limit is low.
pub fn connections(wanted: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    let limit = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum,
        Err(error) => {
            tracing::debug!(%error, "the limit on open files could not be raised");
            current
        }
    };
    let allowed = bounded(wanted, limit);
    if allowed < wanted {
        tracing::warn!(
            open_files = limit,
            connections = allowed,
            "the limit on open files is low, so fewer connections than `limits.max_connections` are served"
        );
    }
    allowed
}

fn bounded(wanted: usize, limit: Option<u64>) -> usize {
    let Some(limit) = limit else { return wanted };
    let left = limit.saturating_sub(RESERVED).max(limit / 2).max(1);
    wanted.min(usize::try_from(left).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_the_log() {
        for (limit, allowed) in [
            (None, 1_024),
            (Some(1 << 20), 1_024),
            (Some(1_024), 896),
            (Some(200), 100),
            (Some(64), 32),
            (Some(0), 1),
        ] {
            assert_eq!(bounded(1_024, limit), allowed, "{limit:?}");
        }
        assert_eq!(bounded(7, Some(1_024)), 7);
    }
}
