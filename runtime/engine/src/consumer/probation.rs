//! A consumer on probation: what its newest activation comes to, by the events that it handles.

use std::sync::Arc;

use camshaft_event::Timestamp;
use camshaft_event::transaction::{ConsumerRecord, Handled, Measure, Probation, RecentEvents};
use camshaft_sabotage::{Sabotage, is_on};

use super::Consumer;
use crate::clock::SteadyTime;
use crate::{ConsumerSpec, EngineOptions};

/// What this process knows of a probation beside what is durable.
#[derive(Debug)]
pub(crate) struct Watch {
    /// When it ends at the latest, in steady time.
    pub(crate) until: Timestamp,
    /// What runs again if it fails; absent if nobody has said.
    pub(crate) predecessor: Option<Arc<ConsumerSpec>>,
}

/// What a probation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    Passed,
    Failed,
}

impl Consumer {
    /// The probation that is under way: not one that has failed with nothing to go back to.
    pub(crate) fn probation(&self) -> Option<&Probation> {
        self.record.probation.as_deref().filter(|probation| !probation.stopped)
    }

    /// Takes over a record that says otherwise of its activation or probation. With another activation come the events by
    /// which that is measured.
    pub(crate) fn change(&mut self, record: ConsumerRecord, recent: Option<RecentEvents>) {
        self.record = record;
        if let Some(recent) = recent {
            self.recent = recent;
            self.watch = None;
        }
        self.held.suspend(self.record.probation.as_ref().map(|_| self.record.activation));
        if self.record.probation.is_none() {
            self.watch = None;
            self.fails = false;
        }
    }

    /// Watches the probation that its record tells of, if it does, from `now` on.
    pub(crate) fn watch(
        &mut self,
        predecessor: Option<Arc<ConsumerSpec>>,
        options: &EngineOptions,
        steady: &SteadyTime,
        now: Timestamp,
    ) {
        let until = self.watch.take().map(|watch| watch.until);
        self.watch = self.record.probation.as_ref().map(|probation| {
            // The clock may have been set back since.
            let begun = steady.from_wall(probation.since).min(steady.now(now));
            Watch { until: until.unwrap_or(begun.plus_ms(options.probation_ms)), predecessor }
        });
        self.measure(options);
    }

    /// Counts an event that was handled.
    pub(crate) fn count(&mut self, handled: &Handled, options: &EngineOptions) {
        self.recent.note(handled, options.probation_events);
    }

    /// Brings up to date whether its activation has failed its probation. It takes nothing more then.
    pub(crate) fn measure(&mut self, options: &EngineOptions) {
        let (measured, least) = (self.recent.measure(), options.probation_least_events);
        self.fails = self.probation().is_some_and(|probation| probation.is_failed_by(measured, least))
            && !is_on(Sabotage::RollBackNever);
    }

    /// How its probation ends, if it does now. It waits for its code.
    pub(crate) fn judgement(&self, options: &EngineOptions, now: Timestamp) -> Option<Judgement> {
        self.probation()?;
        let watch = self.watch.as_ref().filter(|_| self.is_attached())?;
        let is_over = self.recent.measure().events >= options.probation_events || watch.until <= now;
        if self.fails { Some(Judgement::Failed) } else { is_over.then_some(Judgement::Passed) }
    }

    /// When its probation ends at the latest.
    pub(crate) fn probation_until(&self) -> Option<Timestamp> {
        self.probation()?;
        self.watch.as_ref().filter(|_| self.is_attached()).map(|watch| watch.until)
    }

    /// What its newest activation did with events, and what the one before did.
    pub(crate) fn measures(&self) -> (Measure, Measure) {
        let before = self.record.probation.as_ref().map(|probation| probation.before.measure());
        (self.recent.measure(), before.unwrap_or_default())
    }
}
