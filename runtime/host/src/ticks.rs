//! Ticks as tasks wait for them: the deadline of a call that waits for something outside.
//!
//! A call that computes is stopped by wasmtime's epoch; one that waits runs no code that could look at it.
//! Both count the same ticks, so time in which the process stood still counts against neither.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

/// The ticks of a host.
#[derive(Debug, Default)]
pub struct Ticks {
    state: Mutex<State>,
    /// The count in `state`, for calls that look at it without the lock.
    passed: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    passed: u64,
    /// Who waits, by the tick that ends it and a number of its own.
    waiting: BTreeMap<(u64, u64), Waker>,
    next_number: u64,
}

/// Resolves once so many ticks have passed.
#[derive(Debug)]
pub struct Deadline {
    ticks: Arc<Ticks>,
    place: (u64, u64),
}

impl Ticks {
    /// One more has passed.
    pub fn tick(&self) {
        let due = {
            let mut state = self.lock();
            state.passed += 1;
            self.passed.store(state.passed, Ordering::Relaxed);
            let later = (state.passed + 1, 0);
            let rest = state.waiting.split_off(&later);
            std::mem::replace(&mut state.waiting, rest)
        };
        due.into_values().for_each(Waker::wake);
    }

    /// How many have passed.
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// A deadline `count` ticks from now.
    pub fn after(self: &Arc<Self>, count: u64) -> Deadline {
        let mut state = self.lock();
        state.next_number += 1;
        let place = (state.passed.saturating_add(count), state.next_number);
        drop(state);
        Deadline { ticks: Arc::clone(self), place }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Future for Deadline {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.ticks.lock();
        if self.place.0 <= state.passed {
            return Poll::Ready(());
        }
        state.waiting.insert(self.place, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.ticks.lock().waiting.remove(&self.place);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[test]
    fn a_deadline_passes_with_its_last_tick_and_leaves_nothing_behind() {
        let ticks = Arc::new(Ticks::default());
        let mut cx = Context::from_waker(Waker::noop());
        let (mut near, mut far) = (pin!(ticks.after(2)), pin!(ticks.after(3)));
        for expected in [(false, false), (false, false), (true, false), (true, true)] {
            let found = (near.as_mut().poll(&mut cx).is_ready(), far.as_mut().poll(&mut cx).is_ready());
            assert_eq!(found, expected);
            ticks.tick();
        }
        let mut dropped = Box::pin(ticks.after(9));
        assert!(dropped.as_mut().poll(&mut cx).is_pending());
        drop(dropped);
        assert!(ticks.lock().waiting.is_empty());
    }
}
