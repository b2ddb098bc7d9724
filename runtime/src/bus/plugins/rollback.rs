//! Versions of plugins: operators list the history, roll back, pin and unpin.

use std::sync::Arc;

use camshaft_engine::{Attached, ConsumerError, ConsumerSpec, HistoryEntry};
use camshaft_event::transaction::{Activation, ActivationOutcome};
use camshaft_host::Content;

use super::Plugins;
use super::activate::{Engine, Origin};
use super::shelf::{Because, Waiting};
use super::version::Version;
use crate::view::{ActivationView, PluginView};
use crate::{Runtime, VersionError};

impl Runtime {
    /// Lists the last twenty activations of a plugin, newest first.
    ///
    /// # Errors
    /// See [`VersionError`].
    pub async fn plugin_history(&self, name: &str) -> Result<Vec<ActivationView>, VersionError> {
        let history = self.0.core.read_durably(|sequencer| sequencer.lock().history(name));
        let history = history.await?.map_err(failed(name))?;
        if history.is_empty() {
            return Err(VersionError::PluginNotFound { name: name.to_owned() });
        }
        let versions = &self.0.plugins.versions;
        let record = versions.of(name);
        let copy = |activation: &Activation| {
            let kept = record.of_activation(activation.id, &activation.digest)?;
            Some(versions.wasm(&kept.content).display().to_string())
        };
        let view = |HistoryEntry { activation, outcome }: HistoryEntry| ActivationView {
            activation: activation.id.0,
            kept: copy(&activation).is_some(),
            copy: copy(&activation),
            digest: activation.digest,
            version: activation.version,
            at: activation.at,
            outcome: outcome.into(),
        };
        Ok(history.into_iter().rev().map(view).collect())
    }

    /// Rolls a plugin back to the newest earlier version that was not itself rolled back, or to the version
    /// whose digest begins with `to`, which may also be a newer one. The replaced version counts as rolled
    /// back and does not run again until its file changes.
    ///
    /// # Errors
    /// See [`VersionError`].
    pub async fn roll_plugin_back(&self, name: &str, to: Option<&str>) -> Result<PluginView, VersionError> {
        let (named, to) = (name.to_owned(), to.map(str::to_owned));
        self.change_versions(name, move |plugins| plugins.roll_back(&named, to.as_deref())).await
    }

    /// Pins a plugin to the version whose digest begins with `digest`, regardless of its file, until it is
    /// unpinned. The pin survives restarts.
    ///
    /// # Errors
    /// See [`VersionError`].
    pub async fn pin_plugin(&self, name: &str, digest: &str) -> Result<PluginView, VersionError> {
        let (named, digest) = (name.to_owned(), digest.to_owned());
        self.change_versions(name, move |plugins| plugins.pin(&named, &digest)).await
    }

    /// Unpins a plugin: the version in its file runs again.
    ///
    /// # Errors
    /// See [`VersionError`].
    pub async fn unpin_plugin(&self, name: &str) -> Result<PluginView, VersionError> {
        let named = name.to_owned();
        self.change_versions(name, move |plugins| plugins.unpin(&named)).await
    }

    /// Does what may load code, and returns once it is durable.
    async fn change_versions(
        &self,
        name: &str,
        act: impl FnOnce(&Plugins) -> Result<(), VersionError> + Send + 'static,
    ) -> Result<PluginView, VersionError> {
        let core = &self.0.core;
        core.check_open()?;
        let plugins = Arc::clone(&self.0.plugins);
        let done = tokio::task::spawn_blocking(move || act(&plugins)).await;
        done.unwrap_or_else(|panic| Err(failed(name)(panic)))?;
        // Durable with what it shows, and so with what was done before.
        self.plugin(name).await?.ok_or_else(|| VersionError::PluginNotFound { name: name.to_owned() })
    }
}

impl Plugins {
    fn roll_back(&self, name: &str, to: Option<&str>) -> Result<(), VersionError> {
        let content = match to {
            Some(prefix) => self.kept(name, prefix)?,
            None => self.version_before(name)?,
        };
        let pinned = self.steps.peek(|sequencer| sequencer.pinned(name).map(str::to_owned));
        if let Some(digest) = pinned.filter(|digest| *digest != content.digest) {
            return Err(VersionError::Pinned { name: name.to_owned(), digest });
        }
        let now = self.core.now();
        let take_back = |engine: &mut Engine, spec, _| engine.roll_back(spec, now);
        self.run_kept(name, &content, take_back, |waited, (version, activation)| {
            let because = Because::RolledBack { activation, at: now, by: "operator" };
            waited.unwrap_or(Waiting { version, because })
        })
    }

    fn pin(&self, name: &str, prefix: &str) -> Result<(), VersionError> {
        let content = self.kept(name, prefix)?;
        let digest = content.digest.clone();
        let runs = self.shelf.running().get(name).map(|running| running.version.content().digest.clone());
        let runs = runs.ok_or_else(|| VersionError::PluginNotFound { name: name.to_owned() })?;
        self.set_pin(name, Some(digest.clone()))?;
        if runs == digest {
            return Ok(());
        }
        let now = self.core.now();
        let replace = |engine: &mut Engine, spec, before| engine.attach_after(spec, before, now);
        self.run_kept(name, &content, replace, |waited, (version, _)| {
            let version = waited.map_or(version, |waited| waited.version);
            Waiting { version, because: Because::Pinned { digest } }
        })
    }

    fn unpin(&self, name: &str) -> Result<(), VersionError> {
        self.set_pin(name, None)?;
        let waiting = self.shelf.running().get(name).and_then(|running| {
            let waiting = running.waiting.clone()?;
            Some((waiting.version, running.file.clone(), running.is_watched))
        });
        let withheld = self.shelf.withheld().get(name).cloned();
        let withheld = withheld.map(|withheld| (withheld.version, withheld.file, withheld.is_watched));
        let Some((version, file, is_watched)) = waiting.or(withheld) else { return Ok(()) };
        self.offer(version, Origin { file: &file, is_watched })
            .map_err(|refusal| VersionError::Unusable { name: name.to_owned(), reason: refusal.message })?;
        self.shelf.refused().remove(&file);
        Ok(())
    }

    /// Runs a kept version instead of what runs, by `act`. `wait` says what waits from then on, given what
    /// waited and what ran.
    fn run_kept(
        &self,
        name: &str,
        content: &Content,
        act: impl Fn(&mut Engine, ConsumerSpec, Option<ConsumerSpec>) -> Result<Attached, ConsumerError>,
        wait: impl FnOnce(Option<Waiting>, Ran) -> Waiting,
    ) -> Result<(), VersionError> {
        let file = self.shelf.running().get(name).map(|running| (running.file.clone(), running.is_watched));
        let not_found = || VersionError::PluginNotFound { name: name.to_owned() };
        let (file, is_watched) = file.ok_or_else(not_found)?;
        let loaded = self.loader.load_kept(content, &file);
        let version = loaded
            .map_err(|refusal| VersionError::Unusable { name: name.to_owned(), reason: refusal.message })?;
        let _changing = self.shelf.changing();
        let was = self
            .shelf
            .running()
            .get(name)
            .map(|running| (running.waiting.clone(), (running.version.clone(), running.activation)));
        let (waited, ran) = was.ok_or_else(not_found)?;
        if ran.0.content() == content {
            return Ok(());
        }
        let from = Origin { file: &file, is_watched };
        self.take_over(version, from, act).map_err(|(name, error)| VersionError::of(&name, error))?;
        let waiting = Some(wait(waited, ran)).filter(|waiting| waiting.version.content() != content);
        if let Some(running) = self.shelf.running().get_mut(name) {
            running.waiting = waiting;
        }
        Ok(())
    }

    fn set_pin(&self, name: &str, digest: Option<String>) -> Result<(), VersionError> {
        let now = self.core.now();
        let pinned = self.steps.step(|sequencer| sequencer.pin(name, digest, now));
        pinned.map(|_| ()).map_err(|error| VersionError::of(name, error))
    }

    /// The one kept version whose digest begins with `prefix`.
    fn kept(&self, name: &str, prefix: &str) -> Result<Content, VersionError> {
        let record = self.versions.of(name);
        let (name, prefix) = (name.to_owned(), prefix.to_ascii_lowercase());
        match record.with_prefix(&prefix).as_slice() {
            [] if record.versions.is_empty() => Err(VersionError::PluginNotFound { name }),
            [] => Err(VersionError::NotKept { name, prefix }),
            [one] => Ok(one.content.clone()),
            _ => Err(VersionError::Ambiguous { name, prefix }),
        }
    }

    /// The newest version that ran before what runs, is another one, and was not taken back itself.
    fn version_before(&self, name: &str) -> Result<Content, VersionError> {
        let mut history = self.steps.peek(|sequencer| sequencer.history(name)).map_err(failed(name))?;
        let Some(runs) = history.pop() else {
            return Err(VersionError::PluginNotFound { name: name.to_owned() });
        };
        let record = self.versions.of(name);
        let content = |past: &HistoryEntry| {
            record.of_activation(past.activation.id, &past.activation.digest).map(|kept| &kept.content)
        };
        let runs = content(&runs);
        let mut taken_back = Vec::new();
        for past in history.iter().rev() {
            let Some(found) = content(past) else { continue };
            if matches!(past.outcome, ActivationOutcome::RolledBack(_)) {
                taken_back.push(found);
            } else if Some(found) != runs && !taken_back.contains(&found) {
                return Ok(found.clone());
            }
        }
        Err(VersionError::NothingBefore { name: name.to_owned() })
    }
}

/// A version that ran until now, and its activation.
type Ran = (Version, camshaft_event::ActivationId);

fn failed<E: std::fmt::Display>(name: &str) -> impl Fn(E) -> VersionError {
    move |error| VersionError::Failed { name: name.to_owned(), reason: error.to_string() }
}
