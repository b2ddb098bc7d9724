//! Publishing: events are validated, sequenced, and acknowledged once they are durable.

use std::time::Duration;

use camshaft_engine::PublishRefusal;
use camshaft_event::{Event, cloudevents};
use tokio::time::{Instant, timeout_at};

use super::Runtime;
use crate::view::Receipt;
use crate::{PublishError, Unavailable};

/// How long `try_publish_batch` waits for queue space.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a publisher retries while the disk is full.
const FULL_INTERVAL: Duration = Duration::from_secs(1);

impl Runtime {
    /// Publishes one event. Returns once it is durable, or known to be a duplicate of a durable event. Waits
    /// while a bound is reached or the disk is full.
    ///
    /// # Errors
    /// See [`PublishError`]. Nothing is published then.
    pub async fn publish(&self, event: Event) -> Result<Receipt, PublishError> {
        let receipts = self.publish_batch(vec![event]).await?;
        receipts.into_iter().next().ok_or(Unavailable::ShuttingDown.into())
    }

    /// Publishes events as one transaction: all of them, or none if one is refused. The receipts have the
    /// order of the events. Waits while a bound is reached or the disk is full. Nothing is published before
    /// the wait ends, so the future may be dropped.
    ///
    /// # Errors
    /// See [`PublishError`]. Nothing is published then.
    pub async fn publish_batch(&self, events: Vec<Event>) -> Result<Vec<Receipt>, PublishError> {
        let _permit = self.0.publishers.acquire().await.map_err(|_| Unavailable::ShuttingDown)?;
        self.publish_until(Input::Events, events, None).await
    }

    /// Like [`Runtime::publish_batch`], for callers that retry later instead of waiting. Returns an error at
    /// once if too many publishers wait or the disk is full, and after five seconds if the log is behind.
    ///
    /// # Errors
    /// See [`PublishError`]. Nothing is published then.
    pub async fn try_publish_batch(&self, events: Vec<Event>) -> Result<Vec<Receipt>, PublishError> {
        let _permit = self.0.publishers.try_acquire().map_err(|_| PublishError::TooMany)?;
        self.publish_until(Input::Events, events, Some(Instant::now() + PATIENCE)).await
    }

    /// The same for commands.
    pub(super) async fn try_publish_commands(
        &self,
        commands: Vec<Event>,
    ) -> Result<Vec<Receipt>, PublishError> {
        let _permit = self.0.publishers.try_acquire().map_err(|_| PublishError::TooMany)?;
        self.publish_until(Input::Commands, commands, Some(Instant::now() + PATIENCE)).await
    }

    async fn publish_until(
        &self,
        input: Input,
        events: Vec<Event>,
        deadline: Option<Instant>,
    ) -> Result<Vec<Receipt>, PublishError> {
        let core = &self.0.core;
        core.check_open()?;
        for (index, event) in events.iter().enumerate() {
            cloudevents::validate(event).map_err(|reason| PublishError::Invalid { index, reason })?;
        }
        let probe = match input {
            Input::Events => core.probe(events),
            Input::Commands => core.probe_commands(events),
        };
        let mut probe = probe.map_err(|refusal| self.refuse(refusal))?;
        let mut durable = core.durable.subscribe();
        let receipts = loop {
            durable.mark_unchanged();
            // Whether it is open is asked after that: a runtime that ends from here on is a change.
            let published = core.change(|sequencer, now| -> Result<_, Refused> {
                let receipts = sequencer.publish(&mut probe, now).map_err(Refused::Engine)?;
                let durable_at = receipts.durable_at;
                Ok((receipts, durable_at))
            });
            let unready = match published.await {
                Ok(receipts) => break receipts,
                Err(Refused::Engine(PublishRefusal::Unready(unready))) => Unavailable::from(unready),
                Err(Refused::Engine(refusal)) => return Err(self.refuse(refusal)),
                Err(Refused::Unavailable(unavailable)) => return Err(unavailable.into()),
            };
            // Each sync makes room in the log's queue, each snapshot in memory; on the disk other programs or
            // the operator do.
            let until = match (unready, deadline) {
                (Unavailable::NoSpace, Some(_)) => return Err(unready.into()),
                (Unavailable::NoSpace, None) => Some(Instant::now() + FULL_INTERVAL),
                (_, deadline) => deadline,
            };
            wait_until(until, durable.changed()).await;
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                core.check_open()?;
                return Err(unready.into());
            }
        };
        let view = |receipt: camshaft_engine::Receipt| Receipt {
            offset: receipt.offset,
            duplicate: receipt.duplicate,
            handled_by: u64::try_from(receipt.wanted_by).unwrap_or(u64::MAX),
        };
        Ok(receipts.receipts.into_iter().map(view).collect())
    }

    fn refuse(&self, refusal: PublishRefusal) -> PublishError {
        let limit = |limit: usize| u64::try_from(limit).unwrap_or(u64::MAX);
        match refusal {
            PublishRefusal::Reserved { index, what } => PublishError::Reserved { index, what },
            PublishRefusal::Conflict { index, offset } => PublishError::Conflict { index, offset },
            PublishRefusal::ConflictWithin { index, first } => PublishError::ConflictWithin { index, first },
            PublishRefusal::EventTooLarge { index, limit: bytes, .. } => {
                PublishError::EventTooLarge { index, limit: limit(bytes) }
            }
            PublishRefusal::TransactionTooLarge { limit: bytes, .. } => {
                PublishError::TransactionTooLarge { limit: limit(bytes) }
            }
            PublishRefusal::CommandType { index, command_type, owner } => {
                PublishError::CommandType { index, command_type, owner }
            }
            PublishRefusal::NoOwner { index, command_type, detached: owner } => {
                PublishError::NoOwner { index, command_type, owner }
            }
            PublishRefusal::Expiry { index, reason } => PublishError::Expiry { index, reason },
            PublishRefusal::Expectation { index, reason } => PublishError::Expectation { index, reason },
            PublishRefusal::FactType { index, event_type, owner } => {
                PublishError::FactType { index, event_type, owner }
            }
            PublishRefusal::KeptFull { index, bytes, limit } => {
                PublishError::KeptFull { index, bytes, limit }
            }
            PublishRefusal::Unready(unready) => Unavailable::from(unready).into(),
            PublishRefusal::Tables(error) => {
                self.0.core.fail(error);
                Unavailable::Poisoned.into()
            }
        }
    }
}

/// What is put into the log.
#[derive(Clone, Copy)]
enum Input {
    Events,
    Commands,
}

/// Why the engine took no events: it was not asked, or it refused.
enum Refused {
    Unavailable(Unavailable),
    Engine(PublishRefusal),
}

impl From<Unavailable> for Refused {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable)
    }
}

/// Waits for `change`, but no longer than until `deadline`.
async fn wait_until<T>(deadline: Option<Instant>, change: impl Future<Output = T>) {
    match deadline {
        Some(deadline) => _ = timeout_at(deadline, change).await,
        None => _ = change.await,
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;
    use crate::Config;
    use crate::bus::MAX_PUBLISHERS;

    #[tokio::test]
    async fn a_publisher_beyond_those_that_may_wait_waits_too_or_is_turned_away() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            data: folder.path().join("data"),
            plugins: folder.path().join("plugins"),
            ..Config::default()
        };
        let runtime = Runtime::open(config).await.unwrap();
        let event =
            Event { id: "1".into(), source: "/s".into(), event_type: "a.b".into(), ..Event::default() };
        let waiting = runtime.0.publishers.try_acquire_many(u32::try_from(MAX_PUBLISHERS).unwrap()).unwrap();
        assert_eq!(runtime.try_publish_batch(vec![event.clone()]).await, Err(PublishError::TooMany));
        let mut publish = pin!(runtime.publish(event));
        assert!((&mut publish).now_or_never().is_none());
        drop(waiting);
        assert!(!publish.await.unwrap().duplicate, "nothing was published before");
        runtime.shutdown().await;
    }
}
