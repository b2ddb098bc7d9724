//! How many components are compiled or tried out at a time: one per core less one, and slow ones when no
//! other waits.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

/// Hands out turns.
pub struct Turns {
    at_a_time: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    taken: usize,
    /// Loads that wait for a turn, slow ones aside.
    waiting: usize,
}

/// One component may be compiled or tried out until it is dropped.
pub struct Turn<'t>(&'t Turns);

impl Turns {
    /// One per core less one, so that events are handled meanwhile; at least one.
    pub fn of_this_machine() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::new(cores.saturating_sub(1).max(1))
    }

    fn new(at_a_time: usize) -> Self {
        Self { at_a_time, state: Mutex::default(), changed: Condvar::new() }
    }

    #[cfg(test)]
    pub fn at_a_time(&self) -> usize {
        self.at_a_time
    }

    /// Waits for a turn.
    pub fn take(&self, is_slow: bool) -> Turn<'_> {
        let mut state = self.state();
        state.waiting += usize::from(!is_slow);
        while state.taken >= self.at_a_time || (is_slow && state.waiting > 0) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting -= usize::from(!is_slow);
        state.taken += 1;
        Turn(self)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Whether another load waits for a turn.
    pub fn is_wanted(&self) -> bool {
        self.0.state().waiting > 0
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.state().taken -= 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc,
        time::{Duration, Instant},
    };

    use super::*;

    /// Longest wait for something that has to happen; only a failing test reaches it.
    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn a_slow_load_waits_until_no_other_does() {
        // Which of two wakes first is not told, so once proves nothing.
        (0..20).for_each(|_| a_slow_one_comes_last());
    }

    fn a_slow_one_comes_last() {
        let turns = Turns::new(1);
        let (told, order) = mpsc::channel();
        thread::scope(|scope| {
            let first = turns.take(false);
            assert!(!first.is_wanted());
            let wait = |is_slow: bool, told: mpsc::Sender<bool>| {
                let turns = &turns;
                scope.spawn(move || {
                    let turn = turns.take(is_slow);
                    _ = told.send(is_slow);
                    drop(turn);
                });
            };
            wait(true, told.clone());
            assert!(order.recv_timeout(Duration::from_millis(10)).is_err(), "the one turn is taken");
            assert!(!first.is_wanted(), "a slow one presses nobody");
            wait(false, told);
            let begun = Instant::now();
            while !first.is_wanted() && begun.elapsed() < PATIENCE {
                thread::yield_now();
            }
            assert!(first.is_wanted(), "the other one waits");
            drop(first);
            let next = || order.recv_timeout(PATIENCE);
            assert_eq!((next(), next()), (Ok(false), Ok(true)));
        });
    }
}
