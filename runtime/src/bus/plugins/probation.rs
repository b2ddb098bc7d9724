//! What becomes of new versions on probation: the engine decides, in the log; here the shelf follows.

use camshaft_engine::{ProbationState, Verdict, VerdictOutcome};
use camshaft_event::transaction::RolledBack;

use super::Plugins;
use super::activate::Engine;
use super::shelf::{Because, Running, Waiting};
use super::versions::Kept;
use crate::view::ProbationView;

impl Plugins {
    /// Follows the ends of probations since the last call.
    pub(super) fn hear_verdicts(&self) {
        let verdicts = self.steps.step(Engine::take_verdicts);
        for verdict in verdicts {
            let _changing = self.shelf.changing();
            self.follow(verdict);
        }
    }

    fn follow(&self, verdict: Verdict) {
        let Verdict { consumer: name, activation, outcome } = verdict;
        let mut shelf = self.shelf.running();
        let Some(running) = shelf.get_mut(&name) else { return };
        if running.activation == activation {
            match outcome {
                VerdictOutcome::Accepted => tracing::info!(plugin = name, %activation, "accepted"),
                VerdictOutcome::RolledBack(told) => self.go_back(&name, running, &told),
                VerdictOutcome::Stopped => tracing::warn!(
                    plugin = name,
                    %activation,
                    "failed its probation without a version to roll back to: its consumer is paused"
                ),
            }
        }
        self.retire(&name, running);
    }

    /// The engine runs earlier code again.
    fn go_back(&self, name: &str, running: &mut Running, told: &RolledBack) {
        let wanted = self.steps.peek(|sequencer| sequencer.codes(name));
        let Some(at) = running.before.iter().position(|(code, _)| wanted.contains(code)) else { return };
        let (code, version) = running.before.swap_remove(at);
        let failed = std::mem::replace(&mut running.version, version);
        running.before.push((std::mem::replace(&mut running.code, code), failed.clone()));
        let (from, was) = (running.file.as_path(), running.activation);
        tracing::warn!(
            plugin = name,
            version = failed.plugin.manifest().version,
            digest = failed.plugin.digest(),
            failed = told.measured.failed,
            of = told.measured.events,
            error = told.error,
            "failed its probation: the previous version runs again"
        );
        let kept = Kept::of(&running.version);
        self.versions.note(name, running.is_watched.then_some(from), &kept, Some(told.to));
        (running.activation, running.activated_at) = (told.to, told.at);
        let because = Because::RolledBack { activation: was, at: told.at, by: told.cause.code() };
        running.waiting.get_or_insert(Waiting { version: failed, because });
    }
}

/// A probation as it is shown.
pub(super) fn probation_view(state: &ProbationState) -> ProbationView {
    ProbationView {
        predecessor: state.predecessor.0,
        since: state.since,
        until: state.until,
        measured: state.measured.into(),
        before: state.before.into(),
        waiting: u64::try_from(state.waiting).unwrap_or(u64::MAX),
        stopped: state.is_stopped,
    }
}
