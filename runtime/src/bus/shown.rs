//! What the engine knows, in the shapes that cross HTTP.

use camshaft_engine::{Damage, LastFailure, Pause, RedrivePreview, RedriveStatus, Skipped, WaitsFor};
use camshaft_event::transaction::{RedriveSelection, RedriveState};
use camshaft_event::{Key, Offset};

use crate::view::{
    self, DamageView, LastError, PauseView, RedriveStatusView, RedriveView, SkipView, WaitsForView,
};

pub(super) fn damage(damage: Damage) -> DamageView {
    let (part, skippable) = (damage.part.to_string(), damage.can_be_skipped());
    DamageView { part, reason: damage.reason, skippable }
}

/// A key as it is shown; none for an event that is ordered with nothing.
pub(super) fn key(key: &Key) -> Option<String> {
    match key {
        Key::Ordered(key) => Some(key.as_ref().to_owned()),
        Key::Unordered(_) => None,
    }
}

pub(super) fn last_error(failed: LastFailure) -> LastError {
    let LastFailure { offset, at, activation, cause, error } = failed;
    LastError { at, offset, cause: cause.code().to_owned(), error, activation: activation.0 }
}

pub(super) fn skipped(skipped: Skipped) -> SkipView {
    let Skipped { events, held, dead, timers } = skipped;
    let (from, until) = events.unzip();
    SkipView { from, until, held, dead, timers }
}

pub(super) const fn pause(pause: Pause) -> PauseView {
    match pause {
        Pause::Operator { since } => PauseView::Operator { since },
        Pause::Probation { since } => PauseView::Probation { since },
        Pause::Breaker { until } => PauseView::Breaker { until },
        Pause::Bound => PauseView::Bound,
        Pause::Damaged => PauseView::Damaged,
    }
}

pub(super) const fn waits_for(waits_for: WaitsFor) -> WaitsForView {
    match waits_for {
        WaitsFor::DeadLetter { offset } => WaitsForView::DeadLetter { offset },
        WaitsFor::Event { offset } => WaitsForView::Event { offset },
        WaitsFor::Attempt => WaitsForView::Attempt,
        WaitsFor::Code => WaitsForView::Code,
        WaitsFor::Pause(paused) => WaitsForView::Pause { pause: pause(paused) },
        WaitsFor::Probation { until } => WaitsForView::Probation { until },
        WaitsFor::Retry { due } => WaitsForView::Retry { due },
        WaitsFor::Rate { until } => WaitsForView::Rate { until },
        WaitsFor::Turn => WaitsForView::Turn,
    }
}

pub(super) fn redrive(status: RedriveStatus) -> RedriveView {
    let RedriveStatus { job, results, remaining } = status;
    let RedriveSelection { consumer, event_type, reason, since, until } = job.selection;
    RedriveView {
        id: job.id,
        request: view::RedriveRequest { consumer, event_type, reason, since, until, rate: job.per_second },
        status: match job.state {
            RedriveState::Running => RedriveStatusView::Running,
            RedriveState::Done => RedriveStatusView::Done,
            RedriveState::Cancelled => RedriveStatusView::Cancelled,
        },
        started_at: job.started_at,
        ended_at: job.ended_at,
        selected: job.selected,
        remaining,
        redriven: job.redriven,
        gone: job.gone,
        handled: results.handled,
        dead_again: results.dead_again,
    }
}

/// The engine's preview with the dead letters' ids.
pub(super) fn preview(consumer: &str, preview: &RedrivePreview) -> view::RedrivePreview {
    let id = |offset: &Offset| format!("{consumer}:{offset}");
    view::RedrivePreview { selected: preview.selected, first: preview.first.iter().map(id).collect() }
}
