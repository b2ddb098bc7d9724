//! The host: one wasmtime engine, one code cache, and the loader.
//!
//! The composition opens it at start, ticks it from a thread of its own, and loads what the plugins directory
//! offers; `camshaft check` opens one for a single file. It keeps no list of plugins.

use std::{collections::BTreeSet, fs, io, path::Path, sync::Arc};

use camshaft_event::Limit;
use wasmtime::Engine;

use crate::{
    Form, Manifest, OperatorFile, Plugin, Refusal, RefusalCode, Report, Source,
    artifact::{self, Artifact, Survey},
    cache::CodeCache,
    compile::{Compiler, Halt, Loading},
    contract::{self, Contract, Imports},
    egress::{Access, WaysOut},
    engine,
    instance::Bounds,
    options::HostOptions,
    panic::guarded,
    plugin::{Loaded, trial},
    report::Facts,
    ticks::Ticks,
};

/// Milliseconds between two calls of [`Host::tick`].
pub const TICK_MS: u64 = 10;

/// Loads plugins. Cheap to clone.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    engine: Engine,
    cache: CodeCache,
    options: HostOptions,
    ticks: Arc<Ticks>,
}

impl Host {
    /// A host with an engine of its own.
    ///
    /// # Errors
    /// The cache folder cannot be made, or this machine cannot run compiled code.
    pub fn new(options: HostOptions) -> io::Result<Self> {
        let (engine, _) = engine::build(&options).map_err(io::Error::other)?;
        if let Some(folder) = &options.functions_dir {
            fs::create_dir_all(folder)?;
        }
        let cache = CodeCache::open(&options.cache_dir, Compiler::new(&options, &engine))?;
        Ok(Self(Arc::new(Inner { engine, cache, options, ticks: Arc::default() })))
    }

    /// Counts one tick of [`TICK_MS`] against the deadlines of all running calls.
    ///
    /// The caller's thread sleeps between ticks and never catches up on missed ones: time in which the
    /// process stood still does not count against a handler.
    pub fn tick(&self) {
        self.0.engine.increment_epoch();
        self.0.ticks.tick();
    }

    /// Removes compiled code from the cache, but for that of files whose SHA-256 is in `wanted`. Whatever was
    /// loaded runs on. The composition calls it once it knows which versions it keeps.
    ///
    /// # Errors
    /// The cache's folder cannot be read, or a file in it not removed.
    pub fn sweep_code(&self, wanted: &BTreeSet<String>) -> io::Result<()> {
        self.0.cache.sweep(wanted)
    }

    /// Loads the plugin `file` with what its operator's file says, and tries it out.
    ///
    /// What can be refused by the file's sections and its manifest is refused before anything is compiled and
    /// before code of the plugin runs. Then the plugin's own start code runs, within its deadline, and
    /// nothing outside is linked to it: the host must be ticked meanwhile.
    ///
    /// # Errors
    /// The [`Refusal`] says which rule the file breaks; any of the codes but `duplicate-plugin-name`.
    pub fn load(&self, file: &Path, operator: Option<&OperatorFile>) -> Result<Plugin, Refusal> {
        guarded(file, || {
            let loaded = self.load_bytes(file, self.bytes(file)?, operator, &Loading::WHOLE);
            loaded.map_err(|halt| halt.into_refusal(file))
        })
    }

    /// As [`Host::load`], but tells apart what only an operator can put right: a plugin that lacks no more
    /// than that is given back together with why it would be refused. `camshaft build` and `check` look at
    /// plugins so.
    ///
    /// # Errors
    /// What is wrong with the file itself, or said wrongly by its operator.
    pub fn examine(
        &self,
        file: &Path,
        operator: Option<&OperatorFile>,
    ) -> Result<(Plugin, Option<Refusal>), Refusal> {
        guarded(file, || self.examine_bytes(file, self.bytes(file)?, operator))
    }

    /// What there is to say about the plugin `file`, also of one that would be refused: then with why.
    ///
    /// # Errors
    /// A file of which nothing can be said but that: it is no plugin of this contract, or has no manifest.
    pub fn check(&self, file: &Path, operator: Option<&OperatorFile>) -> Result<Report, Refusal> {
        guarded(file, || self.check_bytes(file, self.bytes(file)?, operator))
    }

    /// What there is to say about the plugin `file` without compiling it or running its code. `camshaft
    /// deploy` looks at a file so before it hands it over.
    ///
    /// # Errors
    /// What is wrong with the file's form, its manifest or what it asks for. Limits, grants and names that
    /// are taken are the runtime's to judge.
    pub fn survey(&self, file: &Path, operator: Option<&OperatorFile>) -> Result<Report, Refusal> {
        guarded(file, || {
            let (artifact, manifest) = identify(file, self.bytes(file)?, operator)?;
            let ways_out = &self.0.options.ways_out;
            check_capabilities(&manifest, ways_out)?;
            let Artifact { survey, form, digest, size, .. } = artifact.componentized(file)?;
            let contract = fit(&survey, &manifest, ways_out, file)?;
            let (contract, digest, imports) = (&contract, &digest, &survey.imports);
            Ok(Report::of(&Facts { manifest: &manifest, contract, form, digest, size, imports }))
        })
    }

    /// Reads the plugin `file` and its operator's file, without a look into them.
    ///
    /// # Errors
    /// `io` or `plugin-too-large`.
    pub fn read(&self, file: &Path, operator: Option<&Path>) -> Result<Source, Refusal> {
        Source::read(file, operator, self.0.options.max_plugin_bytes)
    }

    /// [`Host::load`] of what was read, done as `loading` says.
    ///
    /// # Errors
    /// As [`Host::load`], or the load gave way to another.
    pub fn load_source(&self, source: &Source, loading: &Loading<'_>) -> Result<Plugin, Halt> {
        let (file, path) = (source.file(), source.file().with_extension("toml"));
        guarded(file, || {
            let operator = source.operator().map(|text| OperatorFile::parse(&path, text)).transpose()?;
            self.load_bytes(file, source.wasm().to_owned(), operator.as_ref(), loading)
        })
    }

    fn bytes(&self, file: &Path) -> Result<Vec<u8>, Refusal> {
        artifact::read(file, self.0.options.max_plugin_bytes)
    }

    fn load_bytes(
        &self,
        file: &Path,
        bytes: Vec<u8>,
        operator: Option<&OperatorFile>,
        loading: &Loading<'_>,
    ) -> Result<Plugin, Halt> {
        let admitted = self.admit(file, bytes, operator)?;
        match admitted.lacking.clone() {
            Some(refusal) => Err(refusal.into()),
            None => self.compile(admitted, file, loading),
        }
    }

    fn examine_bytes(
        &self,
        file: &Path,
        bytes: Vec<u8>,
        operator: Option<&OperatorFile>,
    ) -> Result<(Plugin, Option<Refusal>), Refusal> {
        let admitted = self.admit(file, bytes, operator)?;
        let lacking = admitted.lacking.clone();
        let plugin = self.compile(admitted, file, &Loading::WHOLE);
        Ok((plugin.map_err(|halt| halt.into_refusal(file))?, lacking))
    }

    fn check_bytes(
        &self,
        file: &Path,
        bytes: Vec<u8>,
        operator: Option<&OperatorFile>,
    ) -> Result<Report, Refusal> {
        let (artifact, manifest) = identify(file, bytes.clone(), operator)?;
        let Artifact { survey, form, digest, size, .. } = artifact.componentized(file)?;
        let contract = contract::judge(&survey, file)?;
        let (ways_out, capabilities) = (&self.0.options.ways_out, &manifest.capabilities);
        let asked = Imports { survey: &survey, world: contract.world, ways_out, capabilities, file };
        let refused_imports = asked.refused();
        let (contract, digest, imports) = (&contract, &digest, &survey.imports);
        let mut report = Report::of(&Facts { manifest: &manifest, contract, form, digest, size, imports });
        report.refused_imports = refused_imports;
        report.refusal = match self.examine_bytes(file, bytes, operator) {
            Ok((_, lacking)) => lacking,
            Err(refusal) => Some(refusal),
        };
        Ok(report)
    }

    /// Refuses what its sections and its manifest give reason to refuse. Neither the compiler nor code of the
    /// plugin has run then.
    fn admit(
        &self,
        file: &Path,
        bytes: Vec<u8>,
        operator: Option<&OperatorFile>,
    ) -> Result<Admitted, Refusal> {
        let options = &self.0.options;
        let (artifact, manifest) = identify(file, bytes, operator)?;
        check_capabilities(&manifest, &options.ways_out)?;
        check_limits(&manifest, options)?;
        let (access, lacking) = match check_operators_part(&manifest, &options.ways_out, file)
            .and_then(|()| Access::of(&manifest, file))
        {
            Ok(access) => (access, None),
            Err(refusal) => (Access::none(file), Some(refusal)),
        };
        Ok(Admitted { artifact, manifest, access, lacking })
    }

    /// Compiles what was admitted, if it fits the contract and unless its code is known, and tries it out.
    fn compile(&self, admitted: Admitted, file: &Path, loading: &Loading<'_>) -> Result<Plugin, Halt> {
        let Inner { engine, cache, options, ticks } = &*self.0;
        let (admitted, contract) = admitted.fitting(file, options)?;
        let Admitted { artifact, manifest, access, lacking: _ } = admitted;
        let component = cache.component(engine, &artifact.component, (file, &artifact.digest), loading)?;
        let plugin = Plugin::new(Loaded {
            manifest,
            file: file.to_owned(),
            contract,
            digest: artifact.digest,
            size: artifact.size,
            form: artifact.form,
            imports: artifact.survey.imports,
            component,
            ways_out: options.ways_out.clone(),
            access: Arc::new(access),
            bounds: Bounds { log_lines: options.max_log_lines, stack_bytes: options.max_stack_bytes },
            ticks: Arc::clone(ticks),
        });
        let _turn = cache.turn_to_try(loading);
        trial(&plugin)?;
        Ok(plugin)
    }
}

/// What the file is, and what it says of itself. That it is of another kind altogether is said before what
/// its manifest lacks.
fn identify(
    file: &Path,
    bytes: Vec<u8>,
    operator: Option<&OperatorFile>,
) -> Result<(Artifact, Manifest), Refusal> {
    let artifact = Artifact::of(bytes, file)?;
    if artifact.form == Form::Component {
        contract::judge(&artifact.survey, file)?;
    }
    match Manifest::assemble(file, &artifact.survey.manifest_sections, operator) {
        Ok(manifest) => Ok((artifact, manifest)),
        Err(refusal) if refusal.code == RefusalCode::MissingManifest => {
            // The kind of a core module shows only as a component.
            contract::judge(&artifact.componentized(file)?.survey, file)?;
            Err(refusal)
        }
        Err(refusal) => Err(refusal),
    }
}

/// A file that nothing known so far speaks against, or only what an operator can put right.
struct Admitted {
    artifact: Artifact,
    manifest: Manifest,
    access: Access,
    lacking: Option<Refusal>,
}

impl Admitted {
    /// The same as a component that imports only what it may get, and the contract that it was written
    /// against.
    fn fitting(self, file: &Path, options: &HostOptions) -> Result<(Self, Contract), Refusal> {
        let artifact = self.artifact.componentized(file)?;
        let contract = fit(&artifact.survey, &self.manifest, &options.ways_out, file)?;
        Ok((Self { artifact, ..self }, contract))
    }
}

/// The contract that the component was written against, if its manifest and its imports fit the world.
fn fit(survey: &Survey, manifest: &Manifest, ways_out: &WaysOut, file: &Path) -> Result<Contract, Refusal> {
    let contract = contract::judge(survey, file)?;
    let world = contract.world;
    manifest.check_world(world)?;
    Imports { survey, world, ways_out, capabilities: &manifest.capabilities, file }.check()?;
    Ok(contract)
}

/// Nobody asks for what does not exist.
fn check_capabilities(manifest: &Manifest, ways_out: &WaysOut) -> Result<(), Refusal> {
    let Manifest { name, capabilities, .. } = manifest;
    if let Some(capability) = capabilities.iter().find(|capability| !ways_out.exists(capability)) {
        return Err(Refusal::new(
            RefusalCode::UnknownCapability,
            format!(
                "plugin \"{name}\" requests capability \"{capability}\", which this camshaft does not have"
            ),
            "Update camshaft, or remove it from `capabilities` in the plugin's manifest.",
        ));
    }
    Ok(())
}

/// Nobody has more than was granted, and a template is nothing before its operator says what it takes.
fn check_operators_part(manifest: &Manifest, ways_out: &WaysOut, file: &Path) -> Result<(), Refusal> {
    let Manifest { name, capabilities, grants, .. } = manifest;
    if let Some(grant) = grants.iter().find(|grant| !ways_out.exists(grant)) {
        return Err(Refusal::new(
            RefusalCode::InvalidManifest,
            format!(
                "\"{}\" grants \"{grant}\", which is not a capability of this camshaft",
                file.with_extension("toml").display()
            ),
            "Correct `grants`; the only capability that can be granted is \"http\".",
        ));
    }
    if manifest.is_open {
        return Err(Refusal::new(
            RefusalCode::InvalidManifest,
            format!("plugin \"{name}\" is a template without subscriptions"),
            format!(
                "Write `name` and [[subscriptions]] into \"{}\"; the plugin's documentation has an example.",
                file.with_extension("toml").display()
            ),
        ));
    }
    let Some(capability) = capabilities.difference(grants).next() else { return Ok(()) };
    let granted = capabilities.iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(", ");
    Err(Refusal::new(
        RefusalCode::CapabilityNotGranted,
        format!("plugin \"{name}\" requests capability \"{capability}\", which is not granted"),
        format!(
            "To allow it, write `grants = [{granted}]` into \"{}\".",
            file.with_extension("toml").display()
        ),
    ))
}

/// A manifest asks within the bounds of the runtime's settings.
fn check_limits(manifest: &Manifest, options: &HostOptions) -> Result<(), Refusal> {
    let (deadline, max_deadline_ms) = match manifest.policy.sink {
        Some(_) => (Limit::SinkDeadline, options.max_sink_deadline_ms),
        None => (Limit::HandlerDeadline, options.max_deadline_ms),
    };
    let bounds = [
        ("deadline", deadline, "ms", manifest.limits.deadline_ms, max_deadline_ms),
        ("memory", Limit::InstanceMemory, "bytes", manifest.limits.memory_bytes, options.max_memory_bytes),
    ];
    match bounds.into_iter().find(|(.., wanted, allowed)| wanted > allowed) {
        None => Ok(()),
        Some((key, limit, unit, wanted, allowed)) => Err(Refusal::new(
            RefusalCode::InvalidManifest,
            format!(
                "plugin \"{}\" sets `limits.{key}` to {wanted} {unit}, but this runtime allows {allowed} {unit}",
                manifest.name
            ),
            format!("Lower it in the plugin's manifest, or raise the runtime's {}.", limit.raised_by()),
        )),
    }
}
