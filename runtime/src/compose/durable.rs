//! Where durability stands, for everyone who must not speak before it: publishers, readers, followers.

use camshaft_event::Sequence;
use camshaft_tables::Progress;
use tokio::sync::watch;

/// What publishers and readers wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
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
pub(crate) struct DurableWatch(watch::Sender<Standing>);

/// Why something never becomes durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Never {
    /// A sync failed.
    Poisoned,
    /// The log was closed before it came to that.
    Closed,
}

impl DurableWatch {
    pub(crate) fn new(durable: Progress) -> Self {
        Self(watch::Sender::new(Standing { durable, poisoned: None, stopping: false, closed: false }))
    }

    pub(crate) fn standing(&self) -> Standing {
        self.0.borrow().clone()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Standing> {
        self.0.subscribe()
    }

    pub(crate) fn advance(&self, durable: Progress) {
        self.0.send_modify(|standing| standing.durable = durable);
    }

    /// Notes the first reason why nothing becomes durable any more.
    pub(crate) fn poison(&self, reason: String) {
        self.0.send_modify(|standing| {
            standing.poisoned.get_or_insert(reason);
        });
    }

    pub(crate) fn stop(&self) {
        self.0.send_modify(|standing| standing.stopping = true);
    }

    /// Nothing is written any more.
    pub(crate) fn close(&self) {
        self.0.send_modify(|standing| standing.closed = true);
    }

    /// Whether `sequence` is durable.
    pub(crate) fn is_durable(&self, sequence: Sequence) -> bool {
        self.0.borrow().durable.sequence >= sequence
    }

    /// Waits until `sequence` is durable.
    pub(crate) async fn wait_for(&self, sequence: Sequence) -> Result<(), Never> {
        let mut receiver = self.subscribe();
        let is_over = |standing: &Standing| {
            standing.durable.sequence >= sequence || standing.poisoned.is_some() || standing.closed
        };
        match receiver.wait_for(is_over).await {
            Ok(standing) if standing.durable.sequence >= sequence => Ok(()),
            Ok(standing) if standing.poisoned.is_some() => Err(Never::Poisoned),
            _ => Err(Never::Closed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_learns_of_every_end() {
        let first = Progress { sequence: Sequence(1), ..Progress::default() };
        let poisoned = DurableWatch::new(first);
        poisoned.poison("a sync failed".into());
        let closed = DurableWatch::new(first);
        closed.close();
        for (watch, never) in [(&poisoned, Never::Poisoned), (&closed, Never::Closed)] {
            assert_eq!(watch.wait_for(Sequence(1)).await, Ok(()), "what was durable stays so");
            assert_eq!(watch.wait_for(Sequence(2)).await, Err(never));
        }
    }
}
