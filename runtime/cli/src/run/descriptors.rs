//! File descriptors: as many as the system allows, and enough of them left for the log and the tables.
//!
//! Clients must not be able to take the last one: a log that cannot make its next file stands still.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that connections leave alone, if there are enough: files of log, tables and plugins, and threads' bells.
const RESERVED: u64 = 128;

/// Raises the limit on open files to what this user may have. Returns how many connections there may be at a time:
/// as many as wanted, or as are left.
pub fn connections(wanted: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    let limit = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum,
        Err(error) => {
            tracing::debug!(%error, "the limit on open files stays as it is");
            current
        }
    };
    let allowed = bounded(wanted, limit);
    if allowed < wanted {
        tracing::warn!(
            open_files = limit,
            connections = allowed,
            "this process may open few files, so it serves fewer connections than `limits.max_connections`"
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
