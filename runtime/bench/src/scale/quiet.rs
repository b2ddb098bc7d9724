//! Waits until this process rests, so that what came before (merges, compiling) is not measured with what
//! follows.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// A stretch in which it must hardly do anything.
const STRETCH: Duration = Duration::from_millis(300);

/// Hardly: processor time in hundredths of a second, and bytes written to the disk.
const LEAST: Work = Work { ticks: 2, bytes: 256 << 10 };

/// When it is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the process has done since it began.
#[derive(Clone, Copy)]
struct Work {
    ticks: u64,
    bytes: u64,
}

/// Returns once the process rests, or after two minutes. Says how long that took.
pub(super) fn wait() -> Duration {
    let started = Instant::now();
    let mut before = Work::now();
    while started.elapsed() < PATIENCE {
        thread::sleep(STRETCH);
        let now = Work::now();
        if now.ticks - before.ticks <= LEAST.ticks && now.bytes - before.bytes <= LEAST.bytes {
            break;
        }
        before = now;
    }
    started.elapsed()
}

impl Work {
    /// Zero where the kernel does not say.
    fn now() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let io = read("/proc/self/io");
        let bytes = io.lines().find_map(|line| line.strip_prefix("write_bytes:"));
        Self {
            ticks: ticks(&read("/proc/self/stat")).unwrap_or(0),
            bytes: bytes.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or(0),
        }
    }
}

/// `utime` and `stime` of a `/proc/PID/stat`.
fn ticks(stat: &str) -> Option<u64> {
    // The program's name comes in brackets and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_ascii_whitespace().skip(11).map(str::parse::<u64>);
    Some(times.next()?.ok()? + times.next()?.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_found_behind_a_name_with_brackets() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 31 11 0 0 20 0 12 0 5 6 7";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("7 (a"), None);
    }
}
