//! How the `memory` setting is shared out, so that the whole process stays within it however much it knows.
//!
//! Memory of plugins' instances comes beside it: each has a limit of its own. `camshaft-bench memory`
//! measures it.

/// What is taken whatever the setting: the program, events on their way, a batch being written and a merge.
const FIXED: u64 = 128 << 20;

/// How much of that is for events on their way in requests and answers.
const FIXED_CLIENTS: u64 = 48 << 20;

/// The least to share out, for with smaller overlays most of the time goes into merges: a smaller setting
/// works like 192 MiB.
const LEAST_SHARED: u64 = 64 << 20;

/// What each part may take, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// The store's cache of what was read.
    pub(crate) cache: u64,
    /// The size at which an overlay is frozen and written.
    pub(crate) freeze: usize,
    /// The overlays together: beyond that publishers and workers wait for the flusher.
    pub(crate) overlays: usize,
    /// Bodies of requests and answers together.
    pub(crate) clients: usize,
}

impl Budget {
    pub(crate) fn of(memory: u64) -> Self {
        let shared = memory.saturating_sub(FIXED).max(LEAST_SHARED);
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        // While one overlay is written the next one fills; the rest is for what an allocator cannot give
        // back.
        let overlays = shared / 10 * 6;
        let clients = FIXED_CLIENTS + shared / 10;
        Self {
            cache: shared / 5,
            freeze: size(overlays / 3),
            overlays: size(overlays),
            clients: size(clients),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_leave_room_for_what_is_fixed() {
        for mib in [64, 128, 256, 1024, 1 << 20] {
            let memory = mib << 20;
            let Budget { cache, freeze, overlays, clients } = Budget::of(memory);
            let overlays = overlays as u64;
            assert!(cache + overlays + FIXED <= memory.max(192 << 20), "{mib} MiB");
            let parts = cache + overlays + clients as u64 + (FIXED - FIXED_CLIENTS);
            assert!(parts <= memory.max(192 << 20), "{mib} MiB");
            assert!(2 * freeze as u64 <= overlays && freeze > 4 << 20, "{mib} MiB");
        }
    }
}
