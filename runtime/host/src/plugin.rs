//! A loaded plugin: its manifest, its compiled code, and how to get instances of it.
//!
//! The composition keeps one [`Prepared`] per active plugin and makes instances from it on its workers.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use camshaft_event::{AttemptContext, Limit};
use thiserror::Error;
use wasmtime::{
    PoolConcurrencyLimitError, Store,
    component::{self, Component, InstancePre},
};

use crate::{
    Form, Instance, Manifest, Refusal, RefusalCode, Report, World,
    contract::Contract,
    egress::{Access, HTTP, Http, WaysOut},
    instance::{Bounds, ExportIndices, NoAttempt, Session, deadline_ticks, within},
    linker, panic,
    report::Facts,
    ticks::Ticks,
};

/// Bytes that one host call may carry from the guest, or its answer. An attempt's effects are bounded by far
/// less; this keeps a guest from making the host copy all its memory.
const MAX_HOSTCALL_BYTES: usize = 8 * 1024 * 1024;

/// Longest time that start code may take, in milliseconds, where the deadline is longer: it runs while the
/// plugin is loaded, and other plugins wait behind that. Nothing in it can wait for anything outside.
const MAX_START_MS: u64 = 5_000;

/// A plugin that was loaded and found to be in order. Cheap to clone.
#[derive(Clone)]
pub struct Plugin(Arc<Loaded>);

/// What loading found out.
pub struct Loaded {
    pub manifest: Manifest,
    pub file: PathBuf,
    pub contract: Contract,
    pub digest: String,
    pub size: u64,
    pub form: Form,
    pub imports: Vec<String>,
    pub component: Component,
    pub ways_out: WaysOut,
    pub access: Arc<Access>,
    pub bounds: Bounds,
    pub ticks: Arc<Ticks>,
}

impl Plugin {
    pub(crate) fn new(loaded: Loaded) -> Self {
        Self(Arc::new(loaded))
    }

    /// The manifest, the operator's file included.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    /// SHA-256 of the file, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// Length of the file in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.0.size
    }

    /// Whether the file holds a component or a core module.
    #[must_use]
    pub fn form(&self) -> Form {
        self.0.form
    }

    /// The file it was loaded from.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.0.file
    }

    /// The world of the contract that it was built for.
    #[must_use]
    pub fn world(&self) -> World {
        self.0.contract.world
    }

    /// The version of the contract it was written against.
    #[must_use]
    pub fn contract(&self) -> &str {
        &self.0.contract.version
    }

    /// What its component imports.
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.0.imports
    }

    /// Whether it was granted something that has effects outside: then its consumer is a sink.
    #[must_use]
    pub fn has_way_out(&self) -> bool {
        !self.0.manifest.capabilities.is_empty()
    }

    /// What there is to say about it.
    #[must_use]
    pub fn report(&self) -> Report {
        Report::of(&Facts {
            manifest: self.manifest(),
            contract: &self.0.contract,
            form: self.form(),
            digest: self.digest(),
            size: self.size(),
            imports: self.imports(),
        })
    }

    /// Resolves everything that its instances import, once for all of them.
    ///
    /// # Errors
    /// As [`Host::load`](crate::Host::load) for imports; a plugin that was loaded does not fail here.
    pub fn prepare<C: AttemptContext + Send + 'static>(&self) -> Result<Prepared<C>, Refusal> {
        let Loaded { manifest, ways_out, file, .. } = &*self.0;
        let is_open = |capability: &&String| ways_out.is_open(capability, manifest);
        let open = manifest.capabilities.iter().filter(is_open).cloned().collect();
        panic::guarded(file, || self.prepare_with(open))
    }

    /// The same with the ways out that are `open`; all others are closed, whatever was granted.
    fn prepare_with<C: AttemptContext + Send + 'static>(
        &self,
        open: BTreeSet<String>,
    ) -> Result<Prepared<C>, Refusal> {
        let refuse = |error: wasmtime::Error| refuse_types(self.file(), self.world(), &error);
        let component = &self.0.component;
        let linker = linker::linker::<C>(component, self.world(), &self.0.ways_out, &open).map_err(refuse)?;
        let instance_pre = linker.instantiate_pre(component).map_err(refuse)?;
        let exports = ExportIndices::find(component, self.world()).map_err(refuse)?;
        Ok(Prepared { plugin: self.clone(), instance_pre, exports, open: Arc::new(open) })
    }
}

/// A plugin with its imports resolved over contexts of type `C`. Cheap to clone.
pub struct Prepared<C: 'static> {
    plugin: Plugin,
    instance_pre: InstancePre<Session<C>>,
    exports: ExportIndices,
    /// The ways out that lead somewhere.
    open: Arc<BTreeSet<String>>,
}

/// Why there is no instance.
#[derive(Debug, Error)]
pub enum InstantiateError {
    /// As many instances are alive as may be. Dropping one helps.
    #[error("the limit of plugin instances is reached ({})", Limit::Instances.raised_by())]
    TooManyInstances,
    /// The guest failed while it started: the guest's fault.
    #[error("plugin \"{plugin}\" could not be started: {reason}")]
    Guest {
        /// The plugin's name.
        plugin: String,
        /// Message and backtrace.
        reason: String,
    },
}

impl<C: AttemptContext + Send + 'static> Prepared<C> {
    /// The plugin.
    #[must_use]
    pub const fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// A fresh instance. Its own start code runs within the plugin's deadline, five seconds at most, and its
    /// memory limit. It can send nothing.
    ///
    /// # Errors
    /// Too many instances, or a guest that fails while it starts.
    ///
    /// # Panics
    /// If the plugin has a way out: see [`Prepared::instantiate_async`].
    pub fn instantiate(&self) -> Result<Instance<C>, InstantiateError> {
        assert!(!self.plugin.has_way_out(), "a plugin with a way out needs an asynchronous instance");
        self.start().map_err(|error| self.refuse(&error))
    }

    /// The same for a plugin that has a way out, to be called by [`Instance::call_async`].
    ///
    /// # Errors
    /// Too many instances, or a guest that fails while it starts.
    pub async fn instantiate_async(&self) -> Result<Instance<C>, InstantiateError> {
        self.start_async().await.map_err(|error| self.refuse(&error))
    }

    fn refuse(&self, error: &wasmtime::Error) -> InstantiateError {
        if error.is::<PoolConcurrencyLimitError>() {
            return InstantiateError::TooManyInstances;
        }
        InstantiateError::Guest { plugin: self.plugin.manifest().name.clone(), reason: format!("{error:#}") }
    }

    fn start(&self) -> wasmtime::Result<Instance<C>> {
        let mut store = self.store()?;
        store.set_epoch_deadline(self.start_ticks());
        let instance = self.instance_pre.instantiate(&mut store)?;
        self.instance(store, &instance)
    }

    async fn start_async(&self) -> wasmtime::Result<Instance<C>> {
        let mut store = self.store()?;
        // Who computes gives way to others after each tick; the deadline is looked at from outside.
        store.epoch_deadline_async_yield_and_update(1);
        store.set_epoch_deadline(1);
        let deadline = self.plugin.0.ticks.after(self.start_ticks());
        let started = within(deadline, self.instance_pre.instantiate_async(&mut store)).await;
        let instance = started.unwrap_or_else(|| Err(wasmtime::Trap::Interrupt.into()))?;
        self.instance(store, &instance)
    }

    fn start_ticks(&self) -> u64 {
        deadline_ticks(self.plugin.manifest().limits.deadline_ms.min(MAX_START_MS))
    }

    fn store(&self) -> wasmtime::Result<Store<Session<C>>> {
        let memory_bytes = usize::try_from(self.plugin.manifest().limits.memory_bytes)?;
        let sends = self.open.contains(HTTP);
        let responder = || self.plugin.0.ways_out.responder.clone();
        let ticks = Arc::clone(&self.plugin.0.ticks);
        let http = sends.then(|| Http::new(Arc::clone(&self.plugin.0.access), responder()));
        let mut store = Store::new(
            self.instance_pre.engine(),
            Session::new(memory_bytes, self.plugin.0.bounds, ticks, http),
        );
        store.limiter(|session| session);
        store.set_hostcall_fuel(MAX_HOSTCALL_BYTES);
        Ok(store)
    }

    fn instance(
        &self,
        mut store: Store<Session<C>>,
        instance: &component::Instance,
    ) -> wasmtime::Result<Instance<C>> {
        let Manifest { limits, policy, .. } = self.plugin.manifest();
        let exports = self.exports.of(&mut store, instance)?;
        let ticks = Arc::clone(&self.plugin.0.ticks);
        Ok(Instance::new(store, exports, limits.deadline_ms, policy.instance, ticks))
    }
}

impl<C: 'static> Clone for Prepared<C> {
    fn clone(&self) -> Self {
        Self {
            plugin: self.plugin.clone(),
            instance_pre: self.instance_pre.clone(),
            exports: self.exports,
            open: Arc::clone(&self.open),
        }
    }
}

/// Starts one instance and drops it, so that a plugin that cannot start is refused and not activated.
///
/// All ways out are closed, also for a plugin that was granted some: a version that is only looked at must
/// not have effects. So nothing in it waits, and clocks stand still.
pub fn trial(plugin: &Plugin) -> Result<(), Refusal> {
    let prepared = plugin.prepare_with::<NoAttempt>(BTreeSet::new())?;
    match prepared.start() {
        Ok(_) => Ok(()),
        // Nothing is wrong with the plugin; the place for its instances is found when one is needed.
        Err(error) if error.is::<PoolConcurrencyLimitError>() => Ok(()),
        Err(error) => Err(Refusal::new(
            RefusalCode::InstantiationFailed,
            format!("\"{}\" could not be started within its limits: {error:#}", plugin.file().display()),
            "Check its start code: it trapped, called the host before there was an event, or exceeded \
             `limits.memory` or `limits.deadline`.",
        )),
    }
}

fn refuse_types(file: &Path, world: World, error: &wasmtime::Error) -> Refusal {
    Refusal::new(
        RefusalCode::UnsupportedContractVersion,
        format!("\"{}\" does not match the contract {}: {error:#}", file.display(), world.version()),
        "Rebuild the plugin with the SDK of this camshaft's release.",
    )
}
