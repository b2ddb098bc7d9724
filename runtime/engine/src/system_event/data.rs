//! The data of system events.

use camshaft_event::FailureCause;
use camshaft_event::transaction::{Activation, Measure};
use serde_json::{Value, json};

use super::{Measures, PauseBegins, PauseEnds, SystemEvent};
use crate::Pause;
use crate::clock::rfc3339;

impl SystemEvent<'_> {
    #[expect(clippy::too_many_lines, reason = "one arm for each event")]
    pub(super) fn data(&self) -> Value {
        match self {
            Self::Paused { consumer, pause, .. } => with_consumer(consumer, pause.data()),
            Self::Resumed { consumer, pause, .. } => with_consumer(consumer, pause.data()),
            Self::Detached { consumer, .. } | Self::Removed { consumer, .. } => {
                json!({ "consumer": consumer })
            }
            Self::Reset { consumer, generation, offset, kept_state, dropped } => json!({
                "consumer": consumer, "generation": generation.0, "offset": offset.0, "kept_state": kept_state,
                "dropped": { "held": dropped.held, "dead": dropped.dead, "timers": dropped.timers },
            }),
            Self::Skipped { consumer, skipped, .. } => json!({
                "consumer": consumer,
                "from": skipped.events.map(|(from, _)| from.0),
                "until": skipped.events.map(|(_, until)| until.0),
                "held": skipped.held.iter().map(|offset| offset.0).collect::<Vec<_>>(),
                "dead": skipped.dead.iter().map(|offset| offset.0).collect::<Vec<_>>(),
                "timers": skipped.timers,
            }),
            Self::Gap { consumer, missed_from, missed_until, .. } => {
                json!({ "consumer": consumer, "missed_from": missed_from.0, "missed_until": missed_until.0 })
            }
            Self::Activated { consumer, activation } => with_consumer(consumer, version(activation)),
            Self::RolledBack { consumer, before, after, told } => {
                let data = json!({
                    "consumer": consumer, "reason": told.cause.code(), "from": version(before), "to": version(after),
                    "error": told.error,
                });
                with_measures(data, (told.measured, told.before))
            }
            Self::Accepted { consumer, activation, measures } => {
                with_measures(json!({ "consumer": consumer, "activation": activation.0 }), *measures)
            }
            Self::Refused { file, code, message, .. } => {
                json!({ "file": file, "code": code, "message": message })
            }
            Self::Pinned { consumer, digest: Some(digest), .. } => {
                json!({ "consumer": consumer, "digest": digest })
            }
            Self::Pinned { consumer, digest: None, .. } => json!({ "consumer": consumer }),
            Self::HeldRetried { consumer, offset, .. } => json!({ "consumer": consumer, "offset": offset.0 }),
            Self::DeadLetterAdded {
                consumer,
                offset,
                event_type,
                reason,
                error,
                attempts,
                is_by_hand,
                ..
            } => {
                json!({
                    "consumer": consumer, "offset": offset.0, "type": event_type,
                    "reason": reason.map(FailureCause::code), "error": error, "attempts": attempts,
                    "by_hand": is_by_hand,
                })
            }
            Self::DeadLetterGone { consumer, offset, job: Some(job), .. } => {
                json!({ "consumer": consumer, "offset": offset.0, "job": job.0 })
            }
            Self::DeadLetterGone { consumer, offset, job: None, .. } => {
                json!({ "consumer": consumer, "offset": offset.0 })
            }
            Self::RedriveStarted { job } => json!({
                "job": job.id.0,
                "consumer": job.selection.consumer,
                "type": job.selection.event_type,
                "reason": job.selection.reason.map(FailureCause::code),
                "since": job.selection.since.map(rfc3339),
                "until": job.selection.until.map(rfc3339),
                "per_second": job.per_second,
                "selected": job.selected,
            }),
            Self::RedriveEnded { job, .. } => json!({
                "job": job.id.0, "consumer": job.selection.consumer, "selected": job.selected,
                "redriven": job.redriven, "gone": job.gone,
            }),
        }
    }
}

impl PauseBegins<'_> {
    fn data(&self) -> Value {
        match self {
            Self::Operator => json!({ "reason": Pause::OPERATOR }),
            Self::Probation { activation, error, measures } => {
                let data = json!({ "reason": Pause::PROBATION, "activation": activation.0, "error": error });
                with_measures(data, *measures)
            }
            Self::Breaker { until } => json!({ "reason": Pause::BREAKER, "until": rfc3339(*until) }),
            Self::Bound { held, dead } => json!({ "reason": Pause::BOUND, "held": held, "dead": dead }),
            Self::Damaged { part, error } => {
                json!({ "reason": Pause::DAMAGED, "damaged": part, "error": error })
            }
        }
    }
}

impl PauseEnds {
    fn data(&self) -> Value {
        match self {
            Self::Operator => json!({ "reason": Pause::OPERATOR }),
            Self::Probation => json!({ "reason": Pause::PROBATION }),
            Self::Breaker => json!({ "reason": Pause::BREAKER }),
            Self::Bound { held, dead } => json!({ "reason": Pause::BOUND, "held": held, "dead": dead }),
            Self::Damaged => json!({ "reason": Pause::DAMAGED }),
        }
    }
}

fn with(mut data: Value, more: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    for (name, value) in more {
        data[name] = value;
    }
    data
}

fn with_consumer(consumer: &str, data: Value) -> Value {
    with(data, [("consumer", consumer.into())])
}

fn with_measures(data: Value, (measured, before): Measures) -> Value {
    let told = |measure: Measure| json!({ "events": measure.events, "failed": measure.failed });
    with(data, [("measured", told(measured)), ("before", told(before))])
}

fn version(activation: &Activation) -> Value {
    json!({ "activation": activation.id.0, "digest": activation.digest, "version": activation.version })
}
