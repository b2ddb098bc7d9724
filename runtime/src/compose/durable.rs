//! Where durability stands, for everyone who must not speak before it: publishers, readers, followers.

use std::collections::BTreeMap;

use camshaft_event::Sequence;
use camshaft_tables::Progress;

use super::sync::{Arc, Mutex, MutexGuard, PoisonError, oneshot, watch};

/// What publishers and readers wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DurableState {
    /// Up to where transactions may be shown.
    pub(crate) durable: Progress,
    /// Why the runtime can never make anything durable again.
    pub(crate) poisoned: Option<String>,
    /// Whether it stops.
    pub(crate) stopping: bool,
    /// Whether the log is closed: what is not durable now never will be.
    pub(crate) closed: bool,
}

/// The writer's side and the waiters' side in one.
#[derive(Clone, Debug)]
pub(crate) struct DurableWatch(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: watch::Sender<DurableState>,
    /// Who waits for which transaction. Each is woken once, by the sync that it waits for: hundreds of
    /// publishers that every sync wakes, to find that it was not theirs, take the time of the work itself.
    waiting: Mutex<Waiting>,
}

type Waiting = BTreeMap<Sequence, Vec<oneshot::Sender<()>>>;

/// Why what is not durable never will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DurabilityLost {
    /// A sync failed.
    Poisoned,
    /// The log was closed before it came to that.
    Closed,
}

impl DurableWatch {
    pub(crate) fn new(durable: Progress) -> Self {
        let state = DurableState { durable, poisoned: None, stopping: false, closed: false };
        Self(Arc::new(Shared { state: watch::Sender::new(state), waiting: Mutex::default() }))
    }

    pub(crate) fn state(&self) -> DurableState {
        self.0.state.borrow().clone()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<DurableState> {
        self.0.state.subscribe()
    }

    pub(crate) fn advance(&self, durable: Progress) {
        self.0.state.send_modify(|state| state.durable = durable);
        let mut waiting = self.waiting();
        let later = waiting.split_off(&durable.sequence.next());
        let done = std::mem::replace(&mut *waiting, later);
        drop(waiting);
        wake(done);
    }

    /// Notes the first reason why nothing becomes durable any more.
    pub(crate) fn poison(&self, reason: String) {
        self.0.state.send_modify(|state| {
            state.poisoned.get_or_insert(reason);
        });
        self.wake_all();
    }

    /// Wakes publishers that wait for room: the flusher has made some. No sync need follow that would wake
    /// them.
    pub(crate) fn has_room(&self) {
        self.0.state.send_modify(|_| {});
    }

    pub(crate) fn stop(&self) {
        self.0.state.send_modify(|state| state.stopping = true);
    }

    /// Nothing is written any more.
    pub(crate) fn close(&self) {
        self.0.state.send_modify(|state| state.closed = true);
        self.wake_all();
    }

    /// Whether `sequence` is durable.
    pub(crate) fn is_durable(&self, sequence: Sequence) -> bool {
        self.0.state.borrow().durable.sequence >= sequence
    }

    /// Waits until `sequence` is durable.
    pub(crate) async fn wait_for(&self, sequence: Sequence) -> Result<(), DurabilityLost> {
        let woken = {
            let mut waiting = self.waiting();
            // Looked at under the lock: whoever changes it takes the lock afterwards.
            if let Some(end) = self.end(sequence) {
                return end;
            }
            let (sender, woken) = oneshot::channel();
            waiting.entry(sequence).or_default().push(sender);
            woken
        };
        // An error would mean that nobody is left who could make it durable.
        let known = woken.await.ok().and_then(|()| self.end(sequence));
        known.unwrap_or(Err(DurabilityLost::Closed))
    }

    /// What came of `sequence`; none as long as it may become durable.
    fn end(&self, sequence: Sequence) -> Option<Result<(), DurabilityLost>> {
        let state = self.0.state.borrow();
        if state.durable.sequence >= sequence {
            Some(Ok(()))
        } else if state.poisoned.is_some() {
            Some(Err(DurabilityLost::Poisoned))
        } else {
            state.closed.then_some(Err(DurabilityLost::Closed))
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_all(&self) {
        wake(std::mem::take(&mut *self.waiting()));
    }
}

fn wake(waiting: Waiting) {
    for sender in waiting.into_values().flatten() {
        // Nobody may be waiting any more: a request that was given up.
        _ = sender.send(());
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn whoever_waits_learns_of_every_end() {
        let first = Progress { sequence: Sequence(1), ..Progress::default() };
        let poisoned = DurableWatch::new(first);
        poisoned.poison("a sync failed".into());
        let closed = DurableWatch::new(first);
        closed.close();
        for (watch, lost) in [(&poisoned, DurabilityLost::Poisoned), (&closed, DurabilityLost::Closed)] {
            assert_eq!(watch.wait_for(Sequence(1)).await, Ok(()), "what was durable stays so");
            assert_eq!(watch.wait_for(Sequence(2)).await, Err(lost));
        }
    }

    #[tokio::test]
    async fn a_publisher_that_waits_for_room_is_woken_when_a_snapshot_makes_some() {
        let watch = DurableWatch::new(Progress::default());
        let mut room = watch.subscribe();
        room.mark_unchanged();
        assert!(room.changed().now_or_never().is_none(), "there is none yet");
        watch.has_room();
        assert!(room.changed().now_or_never().is_some());
        assert_eq!(watch.state().durable, Progress::default(), "nothing more is durable");
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_by_the_sync_of_its_own() {
        let watch = DurableWatch::new(Progress::default());
        let mut first = std::pin::pin!(watch.wait_for(Sequence(1)));
        let mut second = std::pin::pin!(watch.wait_for(Sequence(2)));
        assert!(first.as_mut().now_or_never().is_none(), "nothing is durable yet");
        assert!(second.as_mut().now_or_never().is_none(), "nothing is durable yet");
        watch.advance(Progress { sequence: Sequence(1), ..Progress::default() });
        assert_eq!(first.await, Ok(()));
        assert!(second.as_mut().now_or_never().is_none(), "its own is not durable yet");
        watch.close();
        assert_eq!(second.await, Err(DurabilityLost::Closed));
        assert!(watch.waiting().is_empty(), "nobody is kept who waits no more");
    }
}
