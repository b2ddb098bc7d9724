//! The trial of a new version of an aggregate that keeps its revision: it must make the same folds.

use camshaft_host::{Refusal, RefusalCode, World};

use super::Plugins;
use super::version::Version;

/// Scopes that are tried.
const SCOPES: usize = 32;

/// A scope with more facts is not tried: other files wait meanwhile.
const MAX_FACTS: u64 = 10_000;

impl Plugins {
    /// Refuses a version of an aggregate that has the revision of the one before and makes other folds. It
    /// folds recently used scopes from their facts and compares the bytes.
    pub(super) fn check_folds(&self, version: &Version) -> Result<(), Refusal> {
        if version.plugin.world() != World::Aggregate {
            return Ok(());
        }
        let (name, manifest) = (version.name(), version.plugin.manifest());
        let (space, recent) = self.steps.peek(|sequencer| {
            let running = sequencer.current_activation(name).ok().flatten();
            let is_new = running.is_some_and(|running| {
                running.state_revision == manifest.state_revision && running.digest != version.plugin.digest()
            });
            (sequencer.state_space(name).filter(|_| is_new), sequencer.recent_scopes(name))
        });
        let Some(space) = space else { return Ok(()) };
        let scopes = if recent.is_empty() { self.core.first_scopes(space, SCOPES) } else { recent };
        let mut evolver = self.core.plugin_evolver(name, version.prepared.clone());
        let revision = manifest.state_revision;
        let _deadlines = self.core.count_deadlines();
        scopes.iter().take(SCOPES).try_for_each(|scope| {
            let compared = self.core.compare_fold(space, (scope, revision), MAX_FACTS, &mut evolver);
            compared.map_err(|reason| {
                Refusal::new(
                    RefusalCode::FoldDiffers,
                    format!("\"{}\" makes another fold of scope \"{scope}\": {reason}", version.plugin.file().display()),
                    "Raise `state_revision` in the manifest, and all folds are made again. `evolve` must depend \
                     on its arguments only, and not on how facts are divided into calls.",
                )
            })
        })
    }
}
