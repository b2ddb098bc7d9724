//! A consumer on probation: what its newest activation comes to, by the events that it handles.

use std::sync::Arc;

use camshaft_event::Timestamp;
use camshaft_event::transaction::{ConsumerRecord, Handled, Measure, Probation, RecentEvents};
use camshaft_sabotage::{Sabotage, is_on};

use super::Consumer;
use crate::clock::SteadyTime;
use crate::{ConsumerSpec, EngineOptions};

/// How a consumer's newest activation does, and what this process knows of its probation beside what is
/// durable.
#[derive(Debug)]
pub(crate) struct Watch {
    /// The events by which it is measured.
    pub(crate) recent: RecentEvents,
    /// While it is on probation and its code is there.
    under_way: Option<UnderWay>,
    /// Whether it has failed, and only the room to say so is missing.
    fails: bool,
}

#[derive(Debug)]
struct UnderWay {
    /// When the probation ends at the latest, in steady time.
    until: Timestamp,
    /// What runs again if it fails; absent if that was not said.
    predecessor: Option<Arc<ConsumerSpec>>,
}

impl Watch {
    /// Of an activation that is measured by these, and not on probation here.
    pub(crate) fn of(recent: RecentEvents) -> Self {
        Self { recent, under_way: None, fails: false }
    }

    /// What runs again if a probation that is under way fails.
    pub(crate) fn predecessor(&self) -> Option<&Arc<ConsumerSpec>> {
        self.under_way.as_ref()?.predecessor.as_ref()
    }

    /// Whether the activation has failed its probation. It takes nothing more then.
    pub(crate) fn fails(&self) -> bool {
        self.fails
    }

    /// The code is gone; a probation goes on once it is back.
    pub(crate) fn interrupt(&mut self) {
        self.under_way = None;
    }
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

    /// Takes over a record that says otherwise of its activation or probation. With another activation come
    /// the events by which that is measured.
    pub(crate) fn change(&mut self, record: ConsumerRecord, recent: Option<RecentEvents>) {
        self.record = record;
        if let Some(recent) = recent {
            self.watch.recent = recent;
            self.watch.under_way = None;
        }
        self.held.suspend(self.record.probation.as_ref().map(|_| self.record.activation));
        if self.record.probation.is_none() {
            self.watch.under_way = None;
            self.watch.fails = false;
        }
    }

    /// Watches the probation that its record tells of, if it does, from `now` on.
    pub(crate) fn begin_watch(
        &mut self,
        predecessor: Option<Arc<ConsumerSpec>>,
        options: &EngineOptions,
        steady: &SteadyTime,
        now: Timestamp,
    ) {
        let until = self.watch.under_way.take().map(|before| before.until);
        self.watch.under_way = self.record.probation.as_ref().map(|probation| {
            // The clock may have been set back since.
            let begun = steady.from_wall(probation.since).min(steady.now(now));
            UnderWay { until: until.unwrap_or(begun.plus_ms(options.probation_ms)), predecessor }
        });
    }

    /// Counts an event that was handled.
    pub(crate) fn count(&mut self, handled: &Handled, options: &EngineOptions) {
        self.watch.recent.note(handled, options.probation_events);
    }

    /// Brings up to date whether its activation has failed its probation. It takes nothing more then.
    ///
    /// Before the end of the probation it fails only on enough events; at the end, on however many there are.
    pub(crate) fn measure(&mut self, options: &EngineOptions, now: Timestamp) {
        let is_failed = |probation: &Probation| {
            let measured = self.watch.recent.measure();
            let judges_at_end = self.is_over(options, now) && !is_on(Sabotage::SkipFinalVerdict);
            probation.is_failed_by(measured, options.probation_least_events)
                || (judges_at_end && probation.is_failed_at_end(measured))
        };
        self.watch.fails = self.probation().is_some_and(is_failed) && !is_on(Sabotage::RollBackNever);
    }

    /// How its probation ends, if it does now. It waits for its code.
    pub(crate) fn judgement(&self, options: &EngineOptions, now: Timestamp) -> Option<Judgement> {
        self.probation_until()?;
        if self.watch.fails {
            return Some(Judgement::Failed);
        }
        self.is_over(options, now).then_some(Judgement::Passed)
    }

    /// Whether its probation has lasted as long as it may, or seen as many events.
    fn is_over(&self, options: &EngineOptions, now: Timestamp) -> bool {
        let is_late = self.probation_until().is_some_and(|until| until <= now);
        is_late || self.watch.recent.measure().events >= options.probation_events
    }

    /// When its probation ends at the latest.
    pub(crate) fn probation_until(&self) -> Option<Timestamp> {
        self.probation()?;
        self.watch.under_way.as_ref().filter(|_| self.is_attached()).map(|under_way| under_way.until)
    }

    /// What its newest activation did with events, and what the one before did.
    pub(crate) fn measures(&self) -> (Measure, Measure) {
        let before = self.record.probation.as_ref().map(|probation| probation.before.measure());
        (self.watch.recent.measure(), before.unwrap_or_default())
    }
}
