//! Rust closures as consumers: same state, policy and dead letters as a plugin; no sandbox.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use camshaft_engine::{Attempt, ConsumerSpec};
use camshaft_event::{Answer, Event, Filter, PatternError, Policy, Sink, Start, TypePattern};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use thiserror::Error;

use super::Runtime;
use crate::Unavailable;
use crate::compose::{AsyncClosure, Closure, Code};

/// How soon it is tried again what the engine could not take.
const AGAIN: Duration = Duration::from_millis(100);

/// What a closure wants to handle, and how.
///
/// ```
/// use camshaft::Subscription;
///
/// let orders = Subscription::types(["order.*"]);
/// ```
#[derive(Clone, Debug)]
pub struct Subscription {
    types: Vec<String>,
    filter: Option<Filter>,
    policy: Policy,
    start: Start,
}

/// Why a closure did not handle an event. `?` on any error makes a retry, and so does a text: `Err("away".into())`.
/// [`Failure::reject`] never tries again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(Answer);

/// Why a closure was not subscribed.
#[derive(Debug, Error)]
pub enum SubscribeError {
    /// The name is not of lower-case letters, digits and hyphens, or too long.
    #[error(
        "\"{name}\" is not a consumer's name: it begins with a letter and has at most 63 lower-case letters, digits and hyphens"
    )]
    Name {
        /// The name given.
        name: String,
    },
    /// A type pattern is malformed.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// A plugin or closure of the name runs already.
    #[error("consumer \"{name}\" is attached already")]
    Attached {
        /// The name given.
        name: String,
    },
    /// The runtime cannot do it now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The tables refused.
    #[error("consumer \"{name}\" could not be attached: {reason}")]
    Failed {
        /// The name given.
        name: String,
        /// What went wrong.
        reason: String,
    },
}

impl Subscription {
    /// Events of types that match any of these patterns, from the first retained one on.
    pub fn types<T: Into<String>>(patterns: impl IntoIterator<Item = T>) -> Self {
        Self {
            types: patterns.into_iter().map(Into::into).collect(),
            filter: None,
            policy: Policy::default(),
            start: Start::Earliest,
        }
    }

    /// Only those that pass `filter`.
    #[must_use]
    pub fn filter(self, filter: Filter) -> Self {
        Self { filter: Some(filter), ..self }
    }

    /// Delivered by `policy` instead of the default one; to be said before [`Subscription::sink`].
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// The closure has effects outside: it is a sink. It is called for one event at a time, once all that it can see is
    /// durable, on a thread of its own, so it may wait; up to `max_in_flight` are called at a time, in order per key. At
    /// least once, the event's `source` and `id` make an idempotency key; at most once, the event is done before the
    /// call, and one that fails becomes a dead letter.
    #[must_use]
    pub fn sink(mut self, sink: Sink) -> Self {
        self.policy.sink = Some(sink);
        self
    }

    /// When the consumer is created, it begins at `start`.
    #[must_use]
    pub fn start(self, start: Start) -> Self {
        Self { start, ..self }
    }
}

impl Failure {
    /// Never try this event again: it becomes a dead letter.
    pub fn reject(reason: impl Into<String>) -> Self {
        Self(Answer::Reject { reason: reason.into() })
    }

    /// Try again by the policy's backoff.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self(Answer::Retry { after_ms: None, reason: reason.into() })
    }

    /// Try again, but not before `wait` has passed.
    pub fn retry_after(wait: Duration, reason: impl Into<String>) -> Self {
        let after_ms = Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        Self(Answer::Retry { after_ms, reason: reason.into() })
    }
}

/// An error or a text: a retry.
impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::retry(error.into().to_string())
    }
}

impl Runtime {
    /// Subscribes a closure as the consumer `name`, and returns once that is durable; a bound that is reached, or a full
    /// disk, makes it wait. The closure may be run again for one event, like any handler; its effects through the
    /// [`Attempt`] count once. A panic is a failed attempt.
    ///
    /// The closure belongs to the process: after a restart it is subscribed anew, and goes on where it stood.
    ///
    /// # Errors
    /// See [`SubscribeError`].
    pub async fn subscribe(
        &self,
        name: &str,
        subscription: Subscription,
        handler: impl Fn(&Event, &mut Attempt) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Result<(), SubscribeError> {
        let closure: Closure = Arc::new(move |event, attempt| answer(handler(event, attempt)));
        self.subscribe_code(name, subscription, Code::Closure(closure)).await
    }

    /// Subscribes a closure that waits without a thread for what it calls outside. It is a [sink](Subscription::sink), at
    /// least once unless the subscription says otherwise, and a task of a tokio runtime with timers and sockets; all else is
    /// as [`Runtime::subscribe`] says.
    ///
    /// ```no_run
    /// # async fn example(runtime: camshaft::Runtime) -> Result<(), camshaft::SubscribeError> {
    /// use camshaft::{AttemptContext, Subscription};
    ///
    /// let orders = Subscription::types(["order.placed"]);
    /// runtime
    ///     .subscribe_async("mailer", orders, |event, attempt| {
    ///         Box::pin(async move {
    ///             // In place of a request to a mail server.
    ///             tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    ///             attempt.set(b"last", event.id.as_bytes())?;
    ///             Ok(())
    ///         })
    ///     })
    ///     .await
    /// # }
    /// ```
    ///
    /// # Errors
    /// See [`SubscribeError`].
    pub async fn subscribe_async<F>(
        &self,
        name: &str,
        mut subscription: Subscription,
        handler: F,
    ) -> Result<(), SubscribeError>
    where
        F: for<'c> Fn(&'c Event, &'c mut Attempt) -> BoxFuture<'c, Result<(), Failure>>
            + Send
            + Sync
            + 'static,
    {
        subscription.policy.sink.get_or_insert_default();
        let closure: AsyncClosure =
            Arc::new(move |event, attempt| Box::pin(handler(event, attempt).map(answer)));
        self.subscribe_code(name, subscription, Code::AsyncClosure(closure)).await
    }

    async fn subscribe_code(
        &self,
        name: &str,
        subscription: Subscription,
        code: Code,
    ) -> Result<(), SubscribeError> {
        if !is_name(name) {
            return Err(SubscribeError::Name { name: name.to_owned() });
        }
        let types =
            subscription.types.iter().map(|text| text.parse::<TypePattern>()).collect::<Result<_, _>>()?;
        let core = &self.0.core;
        let code = core.code.add(code);
        let wanted =
            camshaft_event::Subscription { handler: name.to_owned(), types, filter: subscription.filter };
        let spec = ConsumerSpec {
            name: name.to_owned(),
            subscriptions: vec![wanted],
            publishes: None,
            policy: subscription.policy,
            start: subscription.start,
            config: BTreeMap::new(),
            grants: Vec::new(),
            digest: String::new(),
            version: String::new(),
            state_revision: 0,
            code,
        };
        let mut is_attached = false;
        let attached = loop {
            let change = core.change(|sequencer, now| {
                if sequencer.is_attended(name) {
                    return Err(SubscribeError::Attached { name: name.to_owned() });
                }
                sequencer.attach(spec.clone(), now).map_err(|error| refused(name, error))?;
                is_attached = true;
                Ok(((), sequencer.sequenced().sequence))
            });
            match change.await {
                Err(SubscribeError::Unavailable(Unavailable::Busy | Unavailable::NoSpace)) => {
                    tokio::time::sleep(AGAIN).await;
                }
                other => break other,
            }
        };
        if !is_attached {
            core.code.remove(code);
        }
        attached
    }
}

/// What a closure's result says.
fn answer(result: Result<(), Failure>) -> Answer {
    result.map_or_else(|Failure(answer)| answer, |()| Answer::Done)
}

fn refused(name: &str, error: camshaft_engine::ConsumerError) -> SubscribeError {
    match error {
        camshaft_engine::ConsumerError::Unready(unready) => Unavailable::from(unready).into(),
        other => SubscribeError::Failed { name: name.to_owned(), reason: other.to_string() },
    }
}

fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.len() <= 63
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
}
