//! The pace of syncs: under load fewer of them, that do for more.
//!
//! A sync takes the processor from the work, and so does waking whoever waited for it. With many producers
//! that publish one event each, syncing as soon as anything is there means thousands of syncs a second for a
//! handful of events each. So after a commit of several records the next one waits, until syncs take a
//! quarter of the time at most. It does not wait for producers that are all back already: where each
//! publishes again as soon as it is answered, nothing more would come.

use std::time::{Duration, Instant};

/// Records of a commit after which it is worth waiting for more.
const SEVERAL: usize = 4;

/// From one sync to the next it takes so many times as long as the former took.
const SYNC_SHARE: u32 = 4;

/// The longest time from one sync to the next, on a disk that syncs slowly: what this may add to a publish.
const LONGEST: Duration = Duration::from_millis(1);

/// What one sync made durable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Commit {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) records: usize,
    /// How many of them are publishes, for which a producer waits.
    pub(crate) publishes: usize,
}

/// When to commit again.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    due: Option<Instant>,
    publishes: usize,
}

impl Pace {
    /// Notes a commit, and how many publishes were queued meanwhile and wait for the next one.
    pub(crate) fn note(&mut self, commit: Commit, waiting: usize) {
        let interval = LONGEST.min((commit.ended - commit.began) * SYNC_SHARE);
        self.due = (commit.records >= SEVERAL).then(|| commit.began + interval);
        if commit.publishes > 0 {
            self.publishes = commit.publishes + waiting;
        }
    }

    /// How long to wait for more, if at all.
    pub(crate) fn left(&self, now: Instant) -> Option<Duration> {
        let left = self.due?.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    /// So many publishes need not wait: those that the last commit with any answered, and those that came
    /// meanwhile. More may not come, and fewer would leave producers in groups that take turns, each with a
    /// sync of its own.
    pub(crate) fn publishes(&self) -> usize {
        if self.publishes == 0 { usize::MAX } else { self.publishes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYNC: Duration = Duration::from_micros(200);

    fn after(commits: &[(usize, usize, Duration)]) -> (Pace, Instant) {
        let (mut pace, mut ended) = (Pace::default(), Instant::now());
        for &(records, publishes, sync) in commits {
            let began = ended;
            ended += sync;
            pace.note(Commit { began, ended, records, publishes }, 0);
        }
        (pace, ended)
    }

    #[test]
    fn a_few_records_are_never_kept_waiting_and_many_until_syncs_take_a_quarter_of_the_time() {
        let (pace, now) = after(&[(40, 30, SYNC), (SEVERAL - 1, 1, SYNC)]);
        assert_eq!(pace.left(now), None);
        let (pace, now) = after(&[(SEVERAL, 2, SYNC)]);
        assert_eq!(pace.left(now), Some(3 * SYNC));
        assert_eq!(pace.left(now + 2 * SYNC), Some(SYNC));
        assert_eq!(pace.left(now + 3 * SYNC), None);
    }

    #[test]
    fn a_slow_disk_adds_no_more_than_the_longest_wait() {
        let (pace, now) = after(&[(40, 30, LONGEST / 2)]);
        assert_eq!(pace.left(now), Some(LONGEST / 2));
        let (pace, now) = after(&[(40, 30, 20 * LONGEST)]);
        assert_eq!(pace.left(now), None);
    }

    #[test]
    fn producers_in_two_groups_become_one() {
        let (mut pace, began) = (Pace::default(), Instant::now());
        pace.note(Commit { began, ended: began + SYNC, records: 5, publishes: 5 }, 3);
        assert_eq!(pace.publishes(), 8);
    }

    #[test]
    fn commits_without_publishes_do_not_change_how_many_producers_it_waits_for() {
        assert_eq!(after(&[(9, 0, SYNC)]).0.publishes(), usize::MAX);
        assert_eq!(after(&[(40, 30, SYNC), (20, 8, SYNC), (9, 0, SYNC)]).0.publishes(), 8);
    }
}
