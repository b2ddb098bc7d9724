//! One group: its window, whether it is beyond the threshold, and when that may next change by time alone.
//!
//! The window ends at the newest sample's own time. Without new samples it advances with the
//! clock, counted from when that sample was taken. A stream that lags or is handled again therefore uses its
//! own time.

use serde::{Deserialize, Serialize};

use crate::{
    settings::{Rule, Threshold},
    window::{Sample, Total, Window, is_within},
};

/// What the state holds of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    window: Window,
    /// How long a bucket of this window is.
    width_ms: u64,
    /// The bucket of the first sample.
    first: u64,
    /// The newest sample's own time.
    pub newest_ms: u64,
    /// The attempt's time when that sample was taken.
    pub seen_ms: u64,
    /// Where the window ends for now.
    #[serde(skip)]
    pub end_ms: u64,
    pub alerting: bool,
    /// When the timer is due that is set.
    pub due_ms: Option<u64>,
}

impl Group {
    /// A group whose first sample is of `at_ms`.
    pub fn new(rule: &Rule, at_ms: u64, now_ms: u64) -> Self {
        Self {
            window: Window::default(),
            width_ms: rule.width_ms,
            first: at_ms / rule.width_ms,
            newest_ms: at_ms,
            seen_ms: now_ms,
            end_ms: at_ms,
            alerting: false,
            due_ms: None,
        }
    }

    /// The group as it was stored. If the operator has changed the window since, its samples are gone.
    pub fn fitting(self, rule: &Rule, at_ms: u64, now_ms: u64) -> Self {
        match self.width_ms == rule.width_ms {
            true => Self { end_ms: self.newest_ms, ..self },
            false => Self { alerting: self.alerting, due_ms: self.due_ms, ..Self::new(rule, at_ms, now_ms) },
        }
    }

    /// Takes a sample in; false if it is older than the window.
    pub fn take(&mut self, rule: &Rule, sample: Sample, now_ms: u64) -> bool {
        let number = sample.at_ms / rule.width_ms;
        if !is_within(number, self.newest_ms / rule.width_ms) {
            return false;
        }
        self.window.add(number, sample.value);
        self.first = self.first.min(number);
        if sample.at_ms >= self.newest_ms {
            (self.newest_ms, self.seen_ms) = (sample.at_ms, now_ms);
            self.window.drop_before(number);
        }
        self.end_ms = self.newest_ms;
        true
    }

    /// The group after silence until `now_ms`.
    pub fn silent_until(self, now_ms: u64) -> Self {
        let end_ms = self.newest_ms.saturating_add(now_ms.saturating_sub(self.seen_ms));
        Self { end_ms, ..self }
    }

    /// What is in the window.
    pub fn total(&self, rule: &Rule) -> Total {
        self.window.total(self.end_ms / rule.width_ms)
    }

    /// Whether the number is beyond the threshold, or, in an alert, not yet back.
    pub fn is_beyond(&self, rule: &Rule) -> bool {
        // Before it is a whole window old, it has had no time to reach a number.
        let is_young = is_within(self.first, self.end_ms / rule.width_ms);
        let line = if self.alerting { rule.clear } else { rule.threshold.number() };
        match (rule.aggregate.of(&self.total(rule)), rule.threshold) {
            (None, _) => false,
            (Some(value), Threshold::Above(_)) => value > line,
            (Some(_), Threshold::Below(_)) if rule.aggregate.counts_silence() && is_young => self.alerting,
            (Some(value), Threshold::Below(_)) => value < line,
        }
    }

    /// Whether nothing has come for so long that even an alert is given up.
    pub fn is_forgotten(&self, rule: &Rule) -> bool {
        self.end_ms >= self.newest_ms.saturating_add(rule.forget_ms)
    }

    /// Whether it need not be kept: nothing is in its window, and nothing to be said of that.
    pub fn is_over(&self, rule: &Rule) -> bool {
        self.is_forgotten(rule) || (!self.alerting && self.total(rule).count == 0)
    }

    /// When, by the clock, silence from now on would next change something.
    pub fn next_change_ms(&self, rule: &Rule) -> u64 {
        // Also when it grows up: that is when the first sample leaves.
        let moments = self.window.leaves().map(|number| number.saturating_mul(rule.width_ms));
        let forgotten = self.newest_ms.saturating_add(rule.forget_ms);
        let mut then = self.clone();
        let mut later = moments.filter(|moment| *moment > self.end_ms);
        let change = later.find(|moment| {
            then.end_ms = *moment;
            then.is_beyond(rule) != self.alerting || then.is_over(rule)
        });
        let change = change.unwrap_or(forgotten).min(forgotten);
        self.seen_ms.saturating_add(change - self.newest_ms)
    }

    /// Whether the timer that is set, if one is, does not do for a change at `due_ms`. One that is a little
    /// early does.
    ///
    /// While samples come, it is moved on about once per bucket and never fires: the event of a timer less
    /// than a second ahead is one hop further each time, so such timers must not follow one another without
    /// end.
    pub fn needs_timer(&self, rule: &Rule, due_ms: u64) -> bool {
        self.due_ms.is_none_or(|set| due_ms < set || due_ms >= set.saturating_add(rule.width_ms))
    }
}
