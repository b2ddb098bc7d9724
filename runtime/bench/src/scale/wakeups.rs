//! How often each thread of a process has gone to sleep by itself, which is how often it was woken up.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};

/// The threads of a process at one moment: voluntary context switches by number, and the name.
pub(super) struct Threads(BTreeMap<u32, (String, u64)>);

impl Threads {
    /// Those of the process `id`.
    pub(super) fn of(id: u32) -> Result<Self> {
        let tasks = fs::read_dir(format!("/proc/{id}/task")).context("the kernel lists no threads")?;
        let mut threads = BTreeMap::new();
        for task in tasks {
            let task = task?;
            let number = task.file_name().to_string_lossy().parse()?;
            // A thread that has ended meanwhile wakes up no more.
            let Ok(status) = fs::read_to_string(task.path().join("status")) else { continue };
            let name = status.lines().find_map(|line| line.strip_prefix("Name:")).unwrap_or_default().trim();
            threads.insert(number, (name.to_owned(), field(&status, "voluntary_ctxt_switches:")));
        }
        Ok(Self(threads))
    }

    /// Names of the threads that woke up since `before`, and how often; the liveliest first.
    pub(super) fn since(&self, before: &Self) -> Vec<(String, u64)> {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for (number, (name, count)) in &self.0 {
            let earlier = before.0.get(number).map_or(0, |(_, count)| *count);
            *counts.entry(name).or_default() += count.saturating_sub(earlier);
        }
        let woken = counts.into_iter().filter(|(_, count)| *count > 0);
        let mut woken: Vec<_> = woken.map(|(name, count)| (name.to_owned(), count)).collect();
        woken.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        woken
    }
}

/// The number in a line of a `/proc/PID/status`; 0 where there is none.
pub(super) fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_of_a_name_count_together_and_those_that_sleep_not_at_all() {
        let threads = |counts: [u64; 4]| {
            let names = ["writer", "worker", "worker", "flusher"];
            let named = names.into_iter().zip(counts).map(|(name, count)| (name.to_owned(), count));
            Threads((1..).zip(named).collect())
        };
        let since = threads([7, 12, 3, 5]).since(&threads([5, 10, 1, 5]));
        assert_eq!(since, [("worker".to_owned(), 4), ("writer".to_owned(), 2)]);
    }

    #[test]
    fn a_field_is_a_number_with_or_without_its_unit() {
        let status = "Name:\tcamshaft\nVmRSS:\t  30720 kB\nvoluntary_ctxt_switches:\t150\n";
        assert_eq!(field(status, "VmRSS:"), 30_720);
        assert_eq!(field(status, "voluntary_ctxt_switches:"), 150);
        assert_eq!(field(status, "RssFile:"), 0);
    }
}
