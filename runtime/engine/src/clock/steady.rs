//! Steady time: the wall-clock time as it would be if nobody had set the clock since the process began.
//!
//! Retries, rate limits, breakers, probations and redrive jobs wait in steady time, so setting the wall clock
//! back or ahead makes none of these waits longer or shorter. Timers wait for an absolute moment and follow
//! the wall clock. The sequencer keeps one [`SteadyTime`]; each step tells it the time before it does
//! anything else.

use camshaft_event::Timestamp;
use camshaft_sabotage::{Sabotage, is_on};

use super::Clock;

/// Both clocks, read at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The wall clock. It may jump.
    pub wall: Timestamp,
    /// The monotonic clock, in microseconds.
    pub elapsed_us: u64,
}

impl Reading {
    /// Reads both clocks.
    #[must_use]
    pub fn of(clock: &(impl Clock + ?Sized)) -> Self {
        Self { wall: clock.now(), elapsed_us: clock.elapsed_us() }
    }

    /// The monotonic clock, in whole milliseconds.
    #[must_use]
    pub const fn elapsed_ms(self) -> u64 {
        self.elapsed_us / 1_000
    }
}

/// Counts steady time from the first reading on. Before the first reading it is the wall-clock time.
#[derive(Clone, Copy, Debug, Default)]
pub struct SteadyTime(Option<Readings>);

#[derive(Clone, Copy, Debug)]
struct Readings {
    first: Reading,
    latest: Reading,
}

impl SteadyTime {
    /// Takes a reading. An older reading than the latest one changes nothing.
    pub fn tell(&mut self, reading: Reading) {
        if is_on(Sabotage::WaitByWallClock) {
            return;
        }
        match &mut self.0 {
            None => self.0 = Some(Readings { first: reading, latest: reading }),
            Some(readings) if readings.latest.elapsed_us <= reading.elapsed_us => readings.latest = reading,
            Some(_) => {}
        }
    }

    /// The steady time of the latest reading; `wall` if there is none.
    #[must_use]
    pub fn now(&self, wall: Timestamp) -> Timestamp {
        self.0.map_or(wall, |readings| readings.steady(readings.latest.elapsed_us))
    }

    /// The steady time at which the monotonic clock shows `elapsed_us`; none before the first reading.
    #[must_use]
    pub fn at(&self, elapsed_us: u64) -> Option<Timestamp> {
        self.0.map(|readings| readings.steady(elapsed_us))
    }

    /// How far the wall clock has been set ahead since the first reading, in milliseconds; below 0 if it was
    /// set back.
    #[must_use]
    pub fn ahead_ms(&self) -> i64 {
        let Some(readings) = self.0 else { return 0 };
        let (wall, steady) = (readings.latest.wall, readings.steady(readings.latest.elapsed_us));
        let difference = i128::from(wall.0) - i128::from(steady.0);
        i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX })
    }

    /// What the wall clock shows at a steady moment, unless it is set again before.
    #[must_use]
    pub fn to_wall(&self, steady: Timestamp) -> Timestamp {
        Timestamp(steady.0.saturating_add_signed(self.ahead_ms()))
    }

    /// The steady moment at which the wall clock shows `wall`, unless it is set again before.
    #[must_use]
    pub fn from_wall(&self, wall: Timestamp) -> Timestamp {
        Timestamp(wall.0.saturating_add_signed(self.ahead_ms().saturating_neg()))
    }
}

impl Readings {
    fn steady(&self, elapsed_us: u64) -> Timestamp {
        let (from_ms, to_ms) = (self.first.elapsed_us / 1_000, elapsed_us / 1_000);
        let wall = self.first.wall.plus_ms(to_ms.saturating_sub(from_ms));
        Timestamp(wall.0.saturating_sub(from_ms.saturating_sub(to_ms)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(readings: &[(u64, u64)]) -> SteadyTime {
        let mut steady = SteadyTime::default();
        for (wall_ms, elapsed_ms) in readings {
            steady.tell(Reading { wall: Timestamp(*wall_ms), elapsed_us: elapsed_ms * 1_000 });
        }
        steady
    }

    #[test]
    fn it_passes_evenly_however_the_wall_clock_is_set() {
        for wall_ms in [5, 9_500, 10_500, 4_000_000] {
            let steady = after(&[(10_000, 70), (wall_ms, 570)]);
            assert_eq!(steady.now(Timestamp(wall_ms)), Timestamp(10_500));
            assert_eq!(steady.at(1_070_000), Some(Timestamp(11_000)));
            assert_eq!(steady.at(20_000), Some(Timestamp(9_950)));
        }
    }

    #[test]
    fn moments_are_shown_as_the_wall_clock_will_show_them() {
        for (wall_ms, ahead_ms) in [(10_500, 0), (3_610_500, 3_600_000), (9_500, -1_000)] {
            let steady = after(&[(10_000, 0), (wall_ms, 500)]);
            assert_eq!(steady.ahead_ms(), ahead_ms);
            assert_eq!(steady.to_wall(Timestamp(11_500)), Timestamp(wall_ms + 1_000));
            assert_eq!(steady.from_wall(Timestamp(wall_ms + 1_000)), Timestamp(11_500));
        }
    }

    #[test]
    fn before_the_first_reading_it_is_the_wall_clock_and_old_readings_change_nothing() {
        assert_eq!(after(&[]).now(Timestamp(7)), Timestamp(7));
        assert_eq!((after(&[]).at(0), after(&[]).ahead_ms()), (None, 0));
        assert_eq!(
            after(&[(10_000, 100), (10_400, 500), (10_200, 300)]).now(Timestamp(7)),
            Timestamp(10_400)
        );
    }
}
