//! A bell: wakes the threads that wait for something to do.
//!
//! A thread notes the count, looks for work and for flags that end it, and waits only if nobody rang since:
//! no ring is ever missed, as long as the count is noted first.

use std::time::{Duration, Instant};

use super::sync::{Condvar, Mutex, PoisonError};

#[derive(Debug, Default)]
pub(crate) struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct State {
    count: u64,
    waiting: usize,
}

impl Bell {
    /// How often it has rung.
    pub(crate) fn count(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).count
    }

    /// Wakes everyone who waits.
    pub(crate) fn ring(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.count += 1;
        if state.waiting > 0 {
            self.rung.notify_all();
        }
    }

    /// Waits until it has rung more often than `seen`, or for `limit`.
    pub(crate) fn wait(&self, seen: u64, limit: Option<Duration>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.count > seen {
            return;
        }
        let until = limit.map(|limit| Instant::now() + limit);
        state.waiting += 1;
        while state.count <= seen {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            state = match left {
                None => self.rung.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => break,
                Some(left) => self.rung.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        state.waiting -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn a_ring_before_the_wait_is_not_missed() {
        let bell = Bell::default();
        let seen = bell.count();
        bell.ring();
        bell.wait(seen, None);
    }

    #[test]
    fn a_ring_wakes_every_waiting_thread() {
        let bell = Arc::new(Bell::default());
        let seen = bell.count();
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let bell = Arc::clone(&bell);
                thread::spawn(move || bell.wait(seen, None))
            })
            .collect();
        bell.ring();
        waiting.into_iter().for_each(|thread| thread.join().unwrap());
    }
}
