//! A local sandbox: one real plugin over a world in memory, one attempt at a time.
//!
//! `camshaft test` and `camshaft debug` run handlers in it. An attempt's rules are the engine's, its code the
//! host's, as in a runtime; what it comes to is told, and commits only if the caller puts it into the [`World`].

mod ticker;
mod wire;
mod world;

use std::{path::Path, sync::Arc};

use camshaft_engine::{Attempt, ConsumerSpec, EngineOptions, Rehearsal, Rehearsed};
use camshaft_event::{Answer, Event, FailureCause, Generation, Offset, Timestamp};
use camshaft_host::{Host, OperatorFile, Plugin, Prepared};

use crate::inspect;
use camshaft::{Refusal, RefusalCode, consumer_spec};
pub(crate) use ticker::Ticker;
pub(crate) use wire::Wire;
pub(crate) use world::World;

/// A plugin that can be called.
pub(crate) struct Sandbox {
    plugin: Plugin,
    prepared: Prepared<Attempt>,
    spec: ConsumerSpec,
    options: Arc<EngineOptions>,
    wire: Wire,
    /// Ends handlers at their deadline.
    _ticker: Ticker,
}

/// What an attempt is told, beside its world.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) generation: Generation,
    pub(crate) offset: Offset,
    /// From 1.
    pub(crate) attempt: u32,
    pub(crate) now: Timestamp,
}

impl Sandbox {
    /// Loads the plugin `file` as a runtime would whose operator grants what it asks for. Its requests go to a
    /// [`Wire`]. Compiled code is kept in `code`, which must be a folder for this plugin alone that only this user
    /// writes to: that of other builds goes.
    pub(crate) fn load(file: &Path, operator: Option<&OperatorFile>, code: &Path) -> Result<Self, Refusal> {
        let wire = Wire::default();
        let mut options = inspect::options(code);
        options.ways_out.responder = Some(wire.responder());
        let host = Host::new(options).map_err(|error| {
            Refusal::new(
                RefusalCode::Internal,
                format!("no plugin can be run here: {error}"),
                "See `camshaft check`.",
            )
        })?;
        let ticker = Ticker::start(&host);
        let (plugin, _) = host.examine(file, operator)?;
        inspect::sweep(&host, &plugin);
        let prepared = plugin.prepare()?;
        let spec = consumer_spec(&plugin, 0);
        Ok(Self { plugin, prepared, spec, options: Arc::default(), wire, _ticker: ticker })
    }

    pub(crate) fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// Where its requests go.
    pub(crate) const fn wire(&self) -> &Wire {
        &self.wire
    }

    /// What the plugin may read of its configuration, instead of what its manifest says.
    pub(crate) fn configure(&mut self, config: impl IntoIterator<Item = (String, String)>) {
        self.spec.config = config.into_iter().collect();
    }

    /// Whether any handler of the plugin wants `event`.
    pub(crate) fn wants(&self, event: &Event) -> bool {
        self.spec.wants(event)
    }

    /// Lets a fresh instance handle `event` once.
    pub(crate) fn attempt(&self, world: &Arc<World>, facts: &Facts, event: Event) -> Rehearsed {
        let rehearsal = Rehearsal {
            spec: Arc::new(self.spec.clone()),
            options: Arc::clone(&self.options),
            reader: Arc::<World>::clone(world),
            timers: world.timers.len(),
            generation: facts.generation,
            event,
            offset: facts.offset,
            number: facts.attempt,
            now: facts.now,
        };
        let (answer, attempt) = self.call(rehearsal.attempt());
        Rehearsed::of(answer, attempt)
    }

    fn call(&self, attempt: Attempt) -> (Answer, Attempt) {
        let event = attempt.share_event();
        let failed = |error: String| Answer::Failed { cause: FailureCause::Trap, error };
        if !self.plugin.has_way_out() {
            return match self.prepared.instantiate() {
                Ok(mut instance) => instance.call(&event, attempt),
                Err(error) => (failed(error.to_string()), attempt),
            };
        }
        let waiting = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let waiting = match waiting {
            Ok(waiting) => waiting,
            Err(error) => return (failed(error.to_string()), attempt),
        };
        waiting.block_on(async {
            match self.prepared.instantiate_async().await {
                Ok(mut instance) => instance.call_async(&event, attempt).await,
                Err(error) => (failed(error.to_string()), attempt),
            }
        })
    }
}
