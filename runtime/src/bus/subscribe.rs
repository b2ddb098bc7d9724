//! Rust closures as consumers, with the same state, policy and dead letters as a plugin, but without a
//! sandbox.

mod aggregate;
mod error;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use camshaft_engine::{Attempt, ConsumerSpec};
use camshaft_event::{AfterDeadLetter, Answer, Event, Filter, Policy, Sink, Start, TypePattern};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Runtime;
use crate::Unavailable;
use crate::compose::{AsyncClosure, Closure, Code};
use aggregate::Owned;
pub use error::SubscribeError;

/// How soon it is tried again what the engine could not take.
const AGAIN: Duration = Duration::from_millis(100);

/// The events that a closure handles, and its delivery settings.
///
/// ```
/// use camshaft::Subscription;
///
/// let orders = Subscription::types(["order.*"]);
/// ```
#[derive(Clone, Debug)]
pub struct Subscription {
    types: Vec<String>,
    commands: Commands,
    owned: Owned,
    filter: Option<Filter>,
    policy: Policy,
    start: Start,
}

/// What a closure has to do with commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Commands {
    /// It receives none.
    None,
    /// It receives those of its exact types, beside other events.
    Receives,
    /// It owns its types and decides their commands.
    Decides,
}

/// Why a closure did not handle an event. `?` on any error results in a retry, and so does a text:
/// `Err("away".into())`. [`Failure::reject`] makes the event a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(Answer);

impl Subscription {
    /// Selects events whose type matches any of these patterns, from the first retained event on.
    pub fn types<T: Into<String>>(patterns: impl IntoIterator<Item = T>) -> Self {
        Self {
            types: patterns.into_iter().map(Into::into).collect(),
            commands: Commands::None,
            owned: Owned::default(),
            filter: None,
            policy: Policy::default(),
            start: Start::Earliest,
        }
    }

    /// Makes the closure the owner of these command types. It decides every command of these types that is
    /// [sent](Runtime::send), in order per subject, and answers with
    /// [`AttemptContext::answer`](crate::AttemptContext::answer). A dead letter does not park later commands
    /// with its subject, unless the policy parks them. The subscription's start does not count: the owner
    /// begins with the first command that is sent after it was created.
    ///
    /// ```
    /// use camshaft::Subscription;
    ///
    /// let account = Subscription::commands(["account.open", "account.withdraw"]);
    /// ```
    pub fn commands<T: Into<String>>(types: impl IntoIterator<Item = T>) -> Self {
        let policy = Policy { after_dead_letter: AfterDeadLetter::Continue, ..Policy::default() };
        Self { commands: Commands::Decides, policy, ..Self::types(types) }
    }

    /// Also selects commands whose type is among the types, without a wildcard. Another consumer decides
    /// them.
    #[must_use]
    pub fn with_commands(self) -> Self {
        Self { commands: Commands::Receives, ..self }
    }

    /// Selects only events that match `filter`.
    #[must_use]
    pub fn filter(self, filter: Filter) -> Self {
        Self { filter: Some(filter), ..self }
    }

    /// Replaces the default policy. Call it before [`Subscription::sink`].
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// Makes the closure a sink, which has effects on outside systems. Each call handles one event on a
    /// thread of its own, so it may block. A call starts once all data that it can see is durable. At most
    /// `max_in_flight` calls run at a time, in order per key. With delivery at least once, the event's
    /// `source` and `id` form an idempotency key. With delivery at most once, the event is done before the
    /// call, and the event of a failed call becomes a dead letter.
    #[must_use]
    pub fn sink(mut self, sink: Sink) -> Self {
        self.policy.sink = Some(sink);
        self
    }

    /// Sets where the consumer starts to read when it is created.
    #[must_use]
    pub fn start(self, start: Start) -> Self {
        Self { start, ..self }
    }
}

impl Failure {
    /// Rejects the event: it becomes a dead letter.
    pub fn reject(reason: impl Into<String>) -> Self {
        Self(Answer::Reject { reason: reason.into() })
    }

    /// Retries the event with the policy's backoff.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self(Answer::Retry { after_ms: None, reason: reason.into() })
    }

    /// Retries the event after `wait` at the earliest.
    pub fn retry_after(wait: Duration, reason: impl Into<String>) -> Self {
        let after_ms = Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        Self(Answer::Retry { after_ms, reason: reason.into() })
    }
}

/// An error or a text results in a retry.
impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::retry(error.into().to_string())
    }
}

impl Runtime {
    /// Subscribes a closure as the consumer `name`, and returns once that is durable. Waits while a bound is
    /// reached or the disk is full. Like any handler, the closure may run more than once for one event; its
    /// effects through the [`Attempt`] apply once. A panic is a failed attempt.
    ///
    /// The subscription ends with the process. Subscribe again after a restart; the consumer resumes at its
    /// checkpoint.
    ///
    /// # Errors
    /// See [`SubscribeError`].
    pub async fn subscribe(
        &self,
        name: &str,
        subscription: Subscription,
        handler: impl Fn(&Event, &mut Attempt) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Result<(), SubscribeError> {
        let evolve = subscription.owned.evolve();
        let fold = evolve.clone();
        let closure: Closure = Arc::new(move |event, attempt| match (handler(event, attempt), &fold) {
            (Ok(()), Some(evolve)) => aggregate::fold(attempt, evolve),
            (result, _) => answer(result),
        });
        self.subscribe_code(name, subscription, Code::Closure(closure, evolve)).await
    }

    /// Subscribes an asynchronous closure, which occupies no thread while it waits for outside systems. It is
    /// a [sink](Subscription::sink), with delivery at least once unless the subscription sets another one. It
    /// runs as a task of a tokio runtime with timers and sockets. Otherwise it behaves as
    /// [`Runtime::subscribe`] describes.
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
            subscription.types.iter().map(|text| text.parse()).collect::<Result<Vec<TypePattern>, _>>()?;
        let role = aggregate::role(name, &subscription, &types)?;
        let core = &self.0.core;
        let code = core.code.add(code);
        let wanted = camshaft_event::Subscription {
            handler: name.to_owned(),
            types,
            filter: subscription.filter,
            commands: subscription.commands != Commands::None,
        };
        let spec = ConsumerSpec {
            name: name.to_owned(),
            role,
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
