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
}

/// The writer's side and the waiters' side in one.
#[derive(Debug)]
pub(crate) struct DurableWatch(watch::Sender<Standing>);

/// The log can never make anything durable again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Poisoned;

impl DurableWatch {
    pub(crate) fn new(durable: Progress) -> Self {
        Self(watch::Sender::new(Standing { durable, poisoned: None, stopping: false }))
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

    /// Waits until `sequence` is durable.
    pub(crate) async fn wait_for(&self, sequence: Sequence) -> Result<(), Poisoned> {
        let mut receiver = self.subscribe();
        let reached =
            |standing: &Standing| standing.durable.sequence >= sequence || standing.poisoned.is_some();
        match receiver.wait_for(reached).await {
            Ok(standing) if standing.durable.sequence >= sequence => Ok(()),
            _ => Err(Poisoned),
        }
    }
}
