//! Waits until this process rests, so that what came before (merges, compiling) is not measured with what follows.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// A stretch in which it must hardly use the processor.
const STRETCH: Duration = Duration::from_millis(300);

/// Hardly: hundredths of a second.
const TICKS: u64 = 2;

/// When it is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Returns once the process rests, or after a minute.
pub(super) fn wait() {
    let started = Instant::now();
    let mut before = used();
    while started.elapsed() < PATIENCE {
        thread::sleep(STRETCH);
        let now = used();
        if now - before <= TICKS {
            return;
        }
        before = now;
    }
}

/// Processor time of this process, in hundredths of a second; 0 where the kernel does not say.
fn used() -> u64 {
    ticks(&fs::read_to_string("/proc/self/stat").unwrap_or_default()).unwrap_or(0)
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
