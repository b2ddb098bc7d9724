//! A local sandbox: runs one real plugin with in-memory state, one attempt at a time.
//!
//! `camshaft test` and `camshaft debug` run handlers in it. As in a runtime, the engine provides the rules of
//! an attempt and the host runs its code. The effects of an attempt are returned; they are applied only if
//! the caller puts them into the [`World`].

mod ticker;
mod wire;
mod world;

use std::{path::Path, sync::Arc};

use camshaft::{Refusal, RefusalCode, consumer_spec};
use camshaft_engine::{Attempt, ConsumerSpec, EngineOptions, Rehearsal, Rehearsed};
use camshaft_event::{Answer, Event, FailureCause, Generation, Offset, Timestamp};
use camshaft_host::{Host, OperatorFile, Plugin, Prepared};

use crate::inspect;
pub(crate) use ticker::Ticker;
pub(crate) use wire::Wire;
pub(crate) use world::World;

/// A loaded plugin that can be called.
pub(crate) struct Sandbox {
    plugin: Plugin,
    prepared: Prepared<Attempt>,
    spec: ConsumerSpec,
    options: Arc<EngineOptions>,
    wire: Wire,
    /// Stops handlers at their deadlines.
    _ticker: Ticker,
}

/// The inputs of an attempt besides event and state.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) generation: Generation,
    pub(crate) offset: Offset,
    /// Attempt number, from 1.
    pub(crate) attempt: u32,
    pub(crate) now: Timestamp,
}

impl Sandbox {
    /// Loads the plugin `file` as if its operator had granted all capabilities that it asks for. Its requests
    /// go to a [`Wire`]. Compiled code is kept in `code`, a folder for this plugin alone to which only this
    /// user writes: compiled code of other builds there is deleted.
    pub(crate) fn load(file: &Path, operator: Option<&OperatorFile>, code: &Path) -> Result<Self, Refusal> {
        let wire = Wire::default();
        let mut options = inspect::options(code);
        options.ways_out.responder = Some(wire.responder());
        let host = Host::new(options).map_err(|error| {
            Refusal::new(
                RefusalCode::Internal,
                format!("plugins cannot run on this machine: {error}"),
                "Run `camshaft check`.",
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

    /// The destination of its requests.
    pub(crate) const fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Sets the configuration that the plugin can read, in place of the manifest's.
    pub(crate) fn configure(&mut self, config: impl IntoIterator<Item = (String, String)>) {
        self.spec.config = config.into_iter().collect();
    }

    /// Whether a handler of the plugin subscribes to `event`.
    pub(crate) fn wants(&self, event: &Event) -> bool {
        self.spec.wants(event)
    }

    /// Runs one attempt of `event` in a new instance.
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
