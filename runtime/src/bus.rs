//! The runtime: the in-process event bus, with all operations for operators and producers.
//!
//! A runtime is cheap to clone. Dropping the last clone stops it without draining; [`Runtime::shutdown`]
//! drains it first. The implementation is in [`compose`](crate::compose); the files here are the public
//! interface.

mod commands;
mod consumers;
mod dead_letters;
mod deliveries;
pub(crate) mod follow;
mod held_events;
pub(crate) mod long_reads;
pub(crate) mod plugins;
mod publish;
mod read;
mod redrives;
mod scopes;
mod shown;
mod state;
mod subscribe;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use camshaft_host::{Host, HostOptions, WaysOut};
use tokio::sync::{Semaphore, watch};

use long_reads::LongReads;
use plugins::{LoadHook, Plugins};
pub use scopes::ScopeAt;
pub use subscribe::{Failure, SubscribeError, Subscription};

use crate::compose::{self, Core, MachineClock, Phase};
use crate::view::{AllFactsView, Closed, Health, HealthStatus, RetentionView, SyncView};
use crate::{Config, Durability, OpenError};

/// Publishers that may wait at a time.
const MAX_PUBLISHERS: usize = 4_096;

/// A running event bus: publish, subscribe with closures, load plugins, read back.
///
/// ```
/// use camshaft::{Config, Event, Offset, Runtime, Subscription};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let directory = tempfile::tempdir().unwrap();
/// let config = Config {
///     data: directory.path().join("data"),
///     plugins: directory.path().join("plugins"),
///     ..Config::default()
/// };
/// let runtime = Runtime::open(config).await.unwrap();
/// runtime
///     .subscribe("mailer", Subscription::types(["order.*"]), |event, attempt| {
///         println!("{} at {}", event.event_type, camshaft::AttemptContext::offset(attempt));
///         Ok(())
///     })
///     .await
///     .unwrap();
/// let event = Event {
///     id: "1".into(),
///     source: "/shop".into(),
///     event_type: "order.placed".into(),
///     ..Event::default()
/// };
/// assert!(!runtime.publish(event.clone()).await.unwrap().duplicate);
/// assert!(runtime.publish(event).await.unwrap().duplicate);
/// runtime.shutdown().await;
/// # });
/// ```
#[derive(Clone)]
pub struct Runtime(Arc<Inner>);

struct Inner {
    core: Arc<Core>,
    plugins: Arc<Plugins>,
    publishers: Semaphore,
    long_reads: LongReads,
    /// Whether `shutdown` was called.
    is_shutting_down: AtomicBool,
    shut_down: watch::Sender<bool>,
}

impl Runtime {
    /// Opens the data directory, recovers, starts the threads and watches the plugins directory. Creates
    /// missing directories.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(config: Config) -> Result<Self, OpenError> {
        Self::open_with(config, WaysOut::default(), LoadHook::default(), MachineClock::new()).await
    }

    /// Like [`Runtime::open`], with an outgoing capability for tests that plugins can be granted as
    /// `test-outbox`.
    ///
    /// # Errors
    /// See [`OpenError`].
    #[cfg(feature = "test-outbox")]
    pub async fn open_with_outbox(config: Config, outbox: camshaft_host::Outbox) -> Result<Self, OpenError> {
        let ways_out = WaysOut { outbox: Some(outbox), ..WaysOut::default() };
        Self::open_with(config, ways_out, LoadHook::default(), MachineClock::new()).await
    }

    /// Like [`Runtime::open`], and calls `before_compile` with each plugin's file after reading it and before
    /// compiling it.
    ///
    /// # Errors
    /// See [`OpenError`].
    #[cfg(feature = "test-load-hook")]
    pub async fn open_with_load_hook(
        config: Config,
        before_compile: impl Fn(&std::path::Path) + Send + Sync + 'static,
    ) -> Result<Self, OpenError> {
        let hook = LoadHook { before_compile: Some(Arc::new(before_compile)) };
        Self::open_with(config, WaysOut::default(), hook, MachineClock::new()).await
    }

    /// Like [`Runtime::open`], with a wall clock that a test can set.
    ///
    /// # Errors
    /// See [`OpenError`].
    #[cfg(feature = "test-clock")]
    pub async fn open_with_wall_clock(config: Config, wall: compose::WallClock) -> Result<Self, OpenError> {
        Self::open_with(config, WaysOut::default(), LoadHook::default(), MachineClock::with(wall)).await
    }

    async fn open_with(
        config: Config,
        ways_out: WaysOut,
        hook: LoadHook,
        clock: MachineClock,
    ) -> Result<Self, OpenError> {
        let opened = tokio::task::spawn_blocking(move || Self::open_now(config, ways_out, hook, clock)).await;
        opened.unwrap_or_else(|error| Err(OpenError::Internal { reason: error.to_string() }))
    }

    fn open_now(
        config: Config,
        ways_out: WaysOut,
        hook: LoadHook,
        clock: MachineClock,
    ) -> Result<Self, OpenError> {
        config.check()?;
        let plugins = config.plugins.clone();
        fs::create_dir_all(&plugins)
            .map_err(|error| OpenError::Plugins { plugins, reason: crate::io_reason(&error) })?;
        let data = config.data.clone();
        let unusable = |reason: String| OpenError::Unusable { data: data.clone(), reason };
        fs::create_dir_all(&data).map_err(|error| unusable(crate::io_reason(&error)))?;
        let limits = &config.limits;
        let host_options = HostOptions {
            max_instances: limits.max_instances,
            max_plugin_bytes: limits.max_plugin_bytes,
            max_log_lines: limits.max_log_lines,
            max_stack_bytes: limits.max_stack,
            max_deadline_ms: u64::try_from(limits.max_deadline.as_millis()).unwrap_or(u64::MAX),
            max_sink_deadline_ms: u64::try_from(limits.max_sink_deadline.as_millis()).unwrap_or(u64::MAX),
            max_memory_bytes: limits.max_memory,
            ways_out,
            compiler: config.compiler.clone(),
            compile_on_all_cores: config.compile_on_all_cores,
            functions_dir: config.functions_dir.clone(),
            max_compile_memory_bytes: limits.max_compile_memory,
            max_compile_ms: u64::try_from(limits.max_compile_time.as_millis()).unwrap_or(u64::MAX),
            ..HostOptions::new(data.join("code"))
        };
        // The log's lock comes first: a second process must not touch the cache either.
        let (core, steps, host) = compose::open(config, clock, || {
            Host::new(host_options).map_err(|error| unusable(error.to_string()))
        })?;
        let plugins =
            Plugins::start(&core, steps, host, hook).map_err(|error| unusable(crate::io_reason(&error)))?;
        let inner = Inner {
            core,
            plugins,
            publishers: Semaphore::new(MAX_PUBLISHERS),
            long_reads: LongReads::default(),
            is_shutting_down: AtomicBool::new(false),
            shut_down: watch::Sender::new(false),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// The state of the runtime.
    #[must_use]
    pub fn health(&self) -> Health {
        let core = &self.0.core;
        let standing = core.durable.state();
        let (status, why) = match standing.poisoned {
            Some(reason) => (HealthStatus::Poisoned, Some(reason)),
            None if core.is_draining() => (HealthStatus::Draining, Some("it is shutting down".to_owned())),
            None => (HealthStatus::Accepting, None),
        };
        let ms = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let retention = core.config.retention;
        let facts = Some(core.fact_bytes()).filter(|bytes| *bytes > 0);
        let facts = facts.map(|bytes| AllFactsView { bytes, limit_bytes: core.config.limits.max_kept_bytes });
        Health {
            status,
            why,
            damaged_consumers: core.damaged_consumers(),
            warnings: facts.iter().filter_map(AllFactsView::warning).collect(),
            facts,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            log: self.log_id(),
            tail: standing.durable.next_offset,
            first_offset: self.first_offset(),
            sequence: standing.durable.sequence,
            durability: match core.config.durability {
                Durability::Sync => "sync".to_owned(),
                Durability::Async => "async".to_owned(),
            },
            dedupe_horizon_ms: ms(retention.age),
            retention: RetentionView { age_ms: ms(retention.age), bytes: retention.bytes },
            sync: SyncView {
                scheduling: core.scheduling.get().cloned().unwrap_or_else(|| "starting".to_owned()),
            },
        }
    }

    /// Accepts no more events, finishes the events in flight (10 s at most), writes a snapshot and closes the
    /// log. Further calls wait for the first one. Afterwards another runtime can use the data directory, even
    /// if clones of this one remain: they refuse all operations.
    pub async fn shutdown(&self) {
        let inner = Arc::clone(&self.0);
        if inner.is_shutting_down.swap(true, Ordering::AcqRel) {
            let waited = inner.shut_down.subscribe().wait_for(|done| *done).await.map(|_| ());
            debug_assert!(waited.is_ok(), "the sender lives as long as the runtime");
            return;
        }
        let stop = move || {
            inner.core.drain();
            inner.core.stop();
            inner.shut_down.send_replace(true);
        };
        if let Err(error) = tokio::task::spawn_blocking(stop).await {
            tracing::error!(%error, "shutdown failed");
        }
    }

    /// Resolves when the runtime has ended, with the reason.
    pub async fn closed(&self) -> Closed {
        let mut standing = self.0.core.durable.subscribe();
        let mut shut_down = self.0.shut_down.subscribe();
        tokio::select! {
            Ok(standing) = standing.wait_for(|standing| standing.poisoned.is_some()) => {
                Closed::Poisoned { reason: standing.poisoned.clone().unwrap_or_default() }
            }
            _ = shut_down.wait_for(|done| *done) => Closed::ShutDown,
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Threads hold the core, not this; they end by themselves, without a mark of a clean end being waited
        // for.
        self.core.drain();
        self.core.phase.advance(Phase::Closing);
        self.core.ring_all();
    }
}
