//! What may run runs: a version that is offered takes over, or waits since an operator or the runtime said
//! no.
//!
//! The engine remembers pins and what was rolled back, in the log; the kept versions say which bytes that
//! was. Whoever changes what runs holds the shelf's lock for changes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use camshaft_engine::{Attached, ConsumerError, ConsumerSpec, Sequencer};
use camshaft_event::TypePattern;
use camshaft_event::transaction::{Activation, ActivationOutcome};
use camshaft_host::{Plugin, Refusal, RefusalCode, World};

use super::shelf::{Because, Running, Waiting, Withheld};
use super::unattached::{internal, unattached};
use super::version::Version;
use super::{Plugins, versions::Kept};
use crate::compose::{Code, CodeNumber, EmbeddedStore};

/// What is changed when a version takes over.
pub(super) type Engine = Sequencer<EmbeddedStore>;

/// How soon a change is tried again that the engine could not take.
const AGAIN: Duration = Duration::from_millis(100);

/// Where a version comes from.
#[derive(Clone, Copy)]
pub(super) struct Origin<'f> {
    pub(super) file: &'f Path,
    /// Whether that lies in the plugins directory.
    pub(super) is_watched: bool,
}

impl Plugins {
    /// Runs a version that was dropped in or loaded by hand, unless another one is to run; then it waits.
    pub(super) fn offer(&self, version: Version, from: Origin<'_>) -> Result<(), Refusal> {
        let _changing = self.shelf.changing();
        let name = version.name().to_owned();
        if let Some(running) = self.shelf.running().get_mut(&name)
            && running.version.content() == version.content()
        {
            (running.file, running.is_watched, running.waiting) =
                (from.file.to_owned(), from.is_watched, None);
            return Ok(());
        }
        let Some(because) = self.objection(&version)? else { return self.run(version, from) };
        let is_running = self.shelf.running().contains_key(&name);
        if !is_running {
            let instead =
                self.instead(&name, &because, from.file).and_then(|instead| self.run(instead, from));
            if let Err(refusal) = instead {
                let withheld = Withheld { version, file: from.file.to_owned(), is_watched: from.is_watched };
                self.shelf.withheld().insert(name, withheld);
                return Err(refusal);
            }
        }
        tracing::warn!(
            plugin = name,
            version = version.plugin.manifest().version,
            digest = version.plugin.digest(),
            reason = because.message(),
            "a version was not activated"
        );
        if let Some(running) = self.shelf.running().get_mut(&name) {
            (running.file, running.is_watched) = (from.file.to_owned(), from.is_watched);
            running.waiting = Some(Waiting { version, because });
        }
        Ok(())
    }

    /// Why a version must not run.
    fn objection(&self, version: &Version) -> Result<Option<Because>, Refusal> {
        let name = version.name();
        let spec = spec(&version.plugin, 0);
        let (pinned, rolled_back) = self.steps.peek(|sequencer| {
            let pinned = sequencer.pinned(name).filter(|digest| *digest != version.plugin.digest());
            let pinned = pinned.map(|digest| Because::Pinned { digest: digest.to_owned() });
            (pinned, sequencer.rolled_back(&spec))
        });
        if pinned.is_some() {
            return Ok(pinned);
        }
        let Some(past) = rolled_back.map_err(|error| internal(name, &error))? else { return Ok(None) };
        let Activation { id, digest, .. } = &past.activation;
        let record = self.versions.of(name);
        // An operator who has changed the file beside it since then wants it to be tried again.
        let is_same = record.of_activation(*id, digest).is_none_or(|kept| kept.content == *version.content());
        Ok(match past.outcome {
            ActivationOutcome::RolledBack(told) if is_same => {
                Some(Because::RolledBack { activation: *id, at: told.at, by: told.cause.code() })
            }
            _ => None,
        })
    }

    /// What is to run instead of a version that must not, if nothing runs yet.
    fn instead(&self, name: &str, because: &Because, file: &Path) -> Result<Version, Refusal> {
        let record = self.versions.of(name);
        let kept = match because {
            Because::Pinned { digest } => record.with_prefix(digest).first().copied().cloned(),
            Because::RolledBack { .. } => {
                let current = self.steps.peek(|sequencer| sequencer.current_activation(name));
                let current = current.map_err(|error| internal(name, &error))?;
                current.and_then(|now| record.of_activation(now.id, &now.digest).cloned())
            }
        };
        let kept = kept.ok_or_else(|| {
            Refusal::new(
                RefusalCode::VersionNotKept,
                format!(
                    "{}, and no copy of the version that should run was kept: its consumer keeps its \
                     checkpoint and receives no events",
                    because.message()
                ),
                because.hint(name),
            )
        })?;
        self.loader.load_kept(&kept.content, file)
    }

    /// Runs what ran before the last shutdown, if its file is still there, until the directory says
    /// otherwise. Returns the names whose files are there, each with its file: their consumers keep their
    /// places, whatever runs.
    pub(super) fn restore(&self) -> Vec<(String, PathBuf)> {
        let _changing = self.shelf.changing();
        let unattended = self.steps.peek(Engine::unattended);
        let (mut there, mut names, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for name in unattended {
            let record = self.versions.of(&name);
            let current = self.steps.peek(|sequencer| sequencer.current_activation(&name));
            // A record that is lost tells no file; most files have their plugin's name.
            let file =
                record.file.clone().unwrap_or_else(|| self.core.config.plugins.join(format!("{name}.wasm")));
            if !file.exists() {
                continue;
            }
            if let Ok(Some(current)) = current
                && let Some(version) = record.of_activation(current.id, &current.digest)
            {
                kept.push((version.content.clone(), file.clone()));
                names.push((name.clone(), file.clone()));
            }
            there.push((name, file));
        }
        let loaded = self.loader.load_all_kept(&kept);
        for ((name, file), loaded) in names.iter().zip(loaded) {
            let from = Origin { file, is_watched: true };
            // If it cannot run, it is loaded from the directory, as if nothing had been kept.
            if let Err(refusal) = loaded.and_then(|version| self.run(version, from)) {
                tracing::warn!(plugin = name, "the previous version cannot run: {refusal}");
            }
        }
        there
    }

    /// Lets `version` take over. The caller holds the lock for changes.
    fn run(&self, version: Version, from: Origin<'_>) -> Result<(), Refusal> {
        self.check_folds(&version)?;
        let now = self.core.now();
        self.take_over(version, from, |sequencer, spec, before| sequencer.attach_after(spec, before, now))
            .map_err(|(name, error)| unattached(&name, &error))
    }

    /// Lets `version` take over by `act`, which is given what both say to the engine: `version`, and what is
    /// to run again if that fails its probation, unless the engine knows. The caller holds the lock for
    /// changes.
    pub(super) fn take_over(
        &self,
        version: Version,
        from: Origin<'_>,
        act: impl Fn(&mut Engine, ConsumerSpec, Option<ConsumerSpec>) -> Result<Attached, ConsumerError>,
    ) -> Result<(), (String, ConsumerError)> {
        let core = &self.core;
        let name = version.name().to_owned();
        let (kept, file) = (Kept::of(&version), from.is_watched.then_some(from.file));
        // IMPORTANT: it must be known which bytes this is before the log says that they run.
        self.versions.note(&name, file, &kept, None);
        let before = self.predecessor(&version, from.file);
        let add = |version: &Version| core.code.add(Code::Plugin(Box::new(version.prepared.clone())));
        let code = add(&version);
        let before = before.map(|before| (add(&before), before));
        let spec_before = before.as_ref().map(|(code, before)| spec(&before.plugin, *code));
        let spec = spec(&version.plugin, code);
        let attached = self.retrying(|sequencer| act(sequencer, spec.clone(), spec_before.clone()));
        let Attached { activation, is_new } = attached.map_err(|error| {
            core.code.remove(code);
            before.iter().for_each(|(code, _)| core.code.remove(*code));
            (name.clone(), error)
        })?;
        tracing::info!(
            plugin = name,
            version = kept.version,
            digest = version.plugin.digest(),
            activation = activation.0,
            is_new,
            "activated"
        );
        self.versions.note(&name, file, &kept, Some(activation));
        let consumer = self.steps.peek(|sequencer| sequencer.consumer_state(&name));
        let partitions = consumer.map(|consumer| consumer.record.partitions);
        for warning in super::show::warnings(version.plugin.manifest(), partitions) {
            tracing::warn!(plugin = name, "{warning}");
        }
        let running = Running {
            version,
            code,
            activation,
            activated_at: core.now(),
            file: from.file.to_owned(),
            is_watched: from.is_watched,
            waiting: None,
            before: before.into_iter().collect(),
        };
        let is_aggregate = running.version.plugin.world() == World::Aggregate;
        self.shelve(&name, running);
        if is_aggregate {
            core.sweep_folds(&name);
        }
        Ok(())
    }

    /// What is to run again if `version` fails its probation, if this process never ran it.
    fn predecessor(&self, version: &Version, file: &Path) -> Option<Version> {
        let name = version.name();
        if self.shelf.running().contains_key(name) {
            return None;
        }
        let before = self.steps.peek(|sequencer| sequencer.predecessor(&spec(&version.plugin, 0))).ok()??;
        let kept = self.versions.of(name).of_activation(before.id, &before.digest).cloned()?;
        let loaded = self.loader.load_kept(&kept.content, file);
        loaded
            .inspect_err(|refusal| {
                tracing::warn!(plugin = name, "the probation has no version to roll back to: {refusal}");
            })
            .ok()
    }

    fn shelve(&self, name: &str, mut running: Running) {
        let mut shelf = self.shelf.running();
        if let Some(was) = shelf.remove(name) {
            running.before.extend(was.before);
            running.before.push((was.code, was.version));
        }
        self.retire(name, &mut running);
        shelf.insert(name.to_owned(), running);
        drop(shelf);
        self.shelf.withheld().remove(name);
    }

    /// Drops the code of earlier versions that no batch will ask for any more.
    pub(super) fn retire(&self, name: &str, running: &mut Running) {
        let wanted = self.steps.peek(|sequencer| sequencer.codes(name));
        running.before.retain(|(code, _)| {
            let is_wanted = wanted.contains(code);
            if !is_wanted {
                self.core.code.remove(*code);
            }
            is_wanted
        });
    }

    /// Notes that a plugin's file has another name.
    pub(super) fn moved_to(&self, name: &str, file: PathBuf) {
        let _changing = self.shelf.changing();
        let mut shelf = self.shelf.running();
        let Some(running) = shelf.get_mut(name) else { return };
        let kept = Kept::of(&running.version);
        self.versions.note(name, Some(&file), &kept, Some(running.activation));
        running.file = file;
    }

    /// Ends a plugin whose file is gone.
    pub(super) fn end(&self, name: &str) {
        let _changing = self.shelf.changing();
        let removed = self.shelf.running().remove(name);
        self.shelf.withheld().remove(name);
        self.detach(name);
        if let Some(running) = removed {
            tracing::info!(plugin = name, "detached");
            let codes = running.before.iter().map(|(code, _)| *code).chain([running.code]);
            codes.for_each(|code| self.core.code.remove(code));
        }
    }

    fn detach(&self, name: &str) {
        self.detached(self.retrying(|sequencer| sequencer.detach(name, self.core.now())));
    }

    /// Detaches a consumer unless code was attached for it meanwhile, and returns whether it did.
    pub(super) fn detach_unattended(&self, name: &str) -> bool {
        let detached = self.retrying(|sequencer| sequencer.detach_unattended(name, self.core.now()));
        self.detached(detached).unwrap_or_default()
    }

    /// A consumer that does not exist, and a runtime that stops, need no detaching. Any other error ends the
    /// runtime.
    fn detached<T>(&self, outcome: Result<T, ConsumerError>) -> Option<T> {
        match outcome {
            Ok(done) => return Some(done),
            Err(ConsumerError::NotFound { .. } | ConsumerError::Unready(_)) => {}
            Err(error) => self.core.fail(error),
        }
        None
    }

    /// Takes a step of the engine, waiting where it has no room now.
    fn retrying<T>(
        &self,
        mut act: impl FnMut(&mut Engine) -> Result<T, ConsumerError>,
    ) -> Result<T, ConsumerError> {
        loop {
            match self.steps.step(&mut act) {
                Err(ConsumerError::Unready(_)) if !self.core.is_draining() => std::thread::sleep(AGAIN),
                other => return other,
            }
        }
    }
}

impl Because {
    /// The word for programs.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Pinned { .. } => "pinned",
            Self::RolledBack { .. } => "rolled-back",
        }
    }

    /// What keeps the version from running.
    pub(super) fn message(&self) -> String {
        match self {
            Self::Pinned { digest } => format!("the plugin is pinned to {}", short(digest)),
            Self::RolledBack { activation, at, by: "operator" } => {
                format!(
                    "it was rolled back by hand at {}, as activation {activation}",
                    crate::view::moment::text(*at)
                )
            }
            Self::RolledBack { activation, at, .. } => format!(
                "it failed its probation and was rolled back at {}, as activation {activation}",
                crate::view::moment::text(*at)
            ),
        }
    }

    /// What to do about it.
    pub(super) fn hint(&self, name: &str) -> String {
        match self {
            Self::Pinned { .. } => {
                format!("Run `camshaft plugins unpin {name}` to run the file in the plugins directory.")
            }
            Self::RolledBack { .. } => format!(
                "Deploy a corrected version, or run this one with `camshaft plugins rollback {name} \
                 --to DIGEST`."
            ),
        }
    }
}

/// The engine's specification of the consumer of a plugin whose code has the number `code`. The runtime and
/// the sandbox of tests build it in the same way.
#[must_use]
pub fn spec(plugin: &Plugin, code: CodeNumber) -> ConsumerSpec {
    let manifest = plugin.manifest();
    let emits = manifest.emits();
    let publishes = emits.iter().filter_map(|event_type| event_type.parse::<TypePattern>().ok());
    ConsumerSpec {
        name: manifest.name.clone(),
        role: manifest.role(),
        subscriptions: manifest.receives(),
        publishes: Some(publishes.collect()),
        policy: manifest.policy.clone(),
        start: manifest.start,
        config: manifest.config.clone(),
        grants: manifest.granted(),
        digest: plugin.digest().to_owned(),
        version: manifest.version.clone(),
        state_revision: manifest.state_revision,
        code,
    }
}

/// The start of a digest, as the listings show it.
pub(super) fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
