//! Senders that wait for the decisions of their commands.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use camshaft_event::Offset;
use tokio::sync::oneshot;

/// The senders that wait, by command. Each is woken once: when its command is decided or dead, or at the end.
#[derive(Debug, Default)]
pub(crate) struct Decided(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    senders: BTreeMap<Offset, Vec<oneshot::Sender<()>>>,
    /// Whether the runtime ends. A sender that comes later does not wait.
    is_over: bool,
}

/// A sender that waits. The registration ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Awaited<'d> {
    decided: &'d Decided,
    offset: Offset,
    woken: oneshot::Receiver<()>,
}

impl Decided {
    /// Registers a sender that waits for the command at `offset`. Register before looking at the command, so
    /// that no decision is missed.
    pub(crate) fn register(&self, offset: Offset) -> Awaited<'_> {
        let (sender, woken) = oneshot::channel();
        let mut waiting = self.waiting();
        if !waiting.is_over {
            waiting.senders.entry(offset).or_default().push(sender);
        }
        drop(waiting);
        Awaited { decided: self, offset, woken }
    }

    /// Wakes the senders that wait for these commands.
    pub(crate) fn wake(&self, offsets: &[Offset]) {
        let mut waiting = self.waiting();
        let senders: Vec<_> = offsets.iter().filter_map(|offset| waiting.senders.remove(offset)).collect();
        drop(waiting);
        wake(senders);
    }

    /// Wakes all, since the runtime ends.
    pub(crate) fn wake_all(&self) {
        let last = Waiting { is_over: true, ..Waiting::default() };
        let waiting = std::mem::replace(&mut *self.waiting(), last);
        wake(waiting.senders.into_values());
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Awaited<'_> {
    /// Waits until the command is decided or dead, or the runtime ends.
    pub(crate) async fn woken(&mut self) {
        // An error means that it will not be decided any more.
        _ = (&mut self.woken).await;
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.woken.close();
        let mut waiting = self.decided.waiting();
        if let Some(senders) = waiting.senders.get_mut(&self.offset) {
            senders.retain(|sender| !sender.is_closed());
            if senders.is_empty() {
                waiting.senders.remove(&self.offset);
            }
        }
    }
}

fn wake(senders: impl IntoIterator<Item = Vec<oneshot::Sender<()>>>) {
    for sender in senders.into_iter().flatten() {
        // The sender may have stopped waiting.
        _ = sender.send(());
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn each_sender_is_woken_by_its_own_command_and_all_at_the_end() {
        let decided = Decided::default();
        let (mut first, mut second) = (decided.register(Offset(1)), decided.register(Offset(2)));
        decided.wake(&[Offset(1)]);
        first.woken().await;
        assert!(second.woken().now_or_never().is_none(), "its command is not decided");
        decided.wake_all();
        second.woken().await;
        decided.register(Offset(3)).woken().await;
    }

    #[test]
    fn senders_that_stopped_waiting_are_forgotten() {
        let decided = Decided::default();
        let (first, second) = (decided.register(Offset(1)), decided.register(Offset(1)));
        drop(first);
        assert_eq!(decided.waiting().senders.get(&Offset(1)).map(Vec::len), Some(1));
        drop(second);
        assert!(decided.waiting().senders.is_empty());
    }
}
