//! Acts of the operator: on held events, on dead letters, and on consumers that come, go, are paused and
//! begin anew.

use std::num::NonZeroU32;

use camshaft_engine::{ConsumerError, DeadLetterError, HeldError, Pause, ResetPlace, ResetTo};
use camshaft_event::transaction::{RedriveSelection, RedriveState};
use camshaft_event::{FailureCause, Offset, Timestamp};

use super::Run;
use crate::consumers::BANK;
use crate::faults::Fault;

impl Run {
    /// Acts on dead letters, one by one or by jobs.
    pub(super) fn intervene(&mut self) {
        let name = self.some_name();
        match self.random.below(8) {
            0..=2 => self.start_job(name),
            3 => self.cancel_job(),
            // Some are left to jobs, in some runs most.
            _ if self.random.below(4) < 1 + 2 * u64::from(self.prefers_jobs) => {}
            _ => self.act_on_one(&name),
        }
    }

    /// Makes a held event due, or a dead letter of it, if it is one that is retried.
    pub(super) fn free_held(&mut self) {
        let name = &self.some_name();
        let held = self.process.held_events(name);
        let at = self.pick(held.len().max(1));
        let Some(&offset) = held.get(at) else { return };
        let (now, retries) = (self.now(), self.random.coin());
        let acted = if retries {
            self.process.sequencer().retry_held(name, offset, now)
        } else {
            self.process.sequencer().set_held_aside(name, offset, now)
        };
        self.tell(|| format!("make {name}:{offset} due ({retries}) or a dead letter → {acted:?}"));
        match acted {
            Ok(_) if retries => {
                self.delivery.made_due(name, offset, self.machine.clock.passed_ms());
                self.note(Fault::HeldRetried);
            }
            Ok(_) => {
                self.note_act_on(name, offset);
                self.note(Fault::HeldSetAside);
            }
            Err(HeldError::Attempted { .. }) => self.note(Fault::HeldAttempted),
            Err(HeldError::Waits { .. }) => self.note(Fault::HeldWaited),
            Err(HeldError::Unready(_)) => self.note(Fault::Unready),
            Err(error) => panic!("{name}:{offset} was listed, but {error}"),
        }
    }

    /// A job for some dead letters, at some rate.
    fn start_job(&mut self, consumer: String) {
        let now = self.now();
        let mut some_time = || {
            let is_bounded = self.random.below(8) == 0;
            is_bounded.then(|| Timestamp(now.0 - self.random.below(900)))
        };
        let (since, until) = (some_time(), some_time());
        let event_type = match self.random.below(4) {
            0 => Some("thing.*"),
            1 => Some("followed"),
            _ => None,
        };
        let selection = RedriveSelection {
            consumer,
            event_type: event_type.map(|pattern| pattern.parse().expect("the patterns here are valid")),
            reason: (self.random.below(4) == 0).then_some(FailureCause::Reject),
            since,
            until,
        };
        let rate = NonZeroU32::new([0, 5, 20, 2_000].get(self.pick(4)).copied().unwrap_or(0));
        // Its consumer may have been removed, or have a job that runs; there may be no room.
        let started = self.process.sequencer().start_redrive(selection, rate, now);
        self.tell(|| format!("start a redrive job → {started:?}"));
        self.note_if(Fault::JobStarted, started.is_ok());
    }

    fn cancel_job(&mut self) {
        let now = self.now();
        let jobs = self.process.sequencer().redrive_jobs();
        let running = jobs.iter().find(|status| status.job.state == RedriveState::Running);
        let Some(id) = running.map(|status| status.job.id) else { return };
        let cancelled = self.process.sequencer().cancel_redrive(id, now);
        self.tell(|| format!("cancel redrive job {id} → {cancelled:?}"));
        self.note_if(Fault::JobCancelled, cancelled.is_ok());
    }

    fn act_on_one(&mut self, name: &str) {
        let dead = self.process.dead_letters(name);
        if dead.is_empty() {
            return;
        }
        let at = self.pick(dead.len());
        let Some(&offset) = dead.get(at) else { return };
        let now = self.now();
        let redrives = self.random.below(3) > 0;
        let acted = if redrives {
            self.process.sequencer().redrive(name, offset, now)
        } else {
            self.process.sequencer().discard(name, offset, now)
        };
        self.tell(|| format!("redrive ({redrives}) or discard {name}:{offset} → {acted:?}"));
        match acted {
            Ok(_) if redrives => self.note(Fault::Redriven),
            Ok(_) => {
                self.note_act_on(name, offset);
                self.note(Fault::Discarded);
            }
            Err(DeadLetterError::Unready(_)) => self.note(Fault::Unready),
            Err(error) => panic!("{name}:{offset} was listed, but {error}"),
        }
    }

    /// Removes a plugin's file or puts it back; now and then a consumer without one is forgotten.
    pub(super) fn come_and_go(&mut self) {
        let at = self.pick(self.consumers.len());
        let Some(declared) = self.consumers.get(at) else { return };
        let (name, is_attached) = (declared.spec.name.clone(), declared.is_attached);
        let now = self.now();
        let done = if is_attached {
            self.process.sequencer().detach(&name, now).map(|()| Fault::Detached)
        } else if self.random.below(8) == 0 {
            self.process.sequencer().remove(&name, now).map(|()| Fault::Removed)
        } else {
            self.attach(at);
            return;
        };
        self.tell(|| format!("{name}: {done:?}"));
        match done {
            Ok(fault) => {
                if fault == Fault::Removed {
                    self.delivery.removed(&name);
                } else {
                    self.delivery.detached(&name);
                }
                if let Some(declared) = self.consumers.get_mut(at) {
                    declared.is_attached = false;
                }
                self.note(fault);
            }
            Err(ConsumerError::Unready(_)) => self.note(Fault::Unready),
            Err(error @ ConsumerError::Undecided { .. }) => self.check_undecided(&error),
            // It was never there, is forgotten already, or waits for room to be attached after a restart.
            Err(ConsumerError::NotFound { .. } | ConsumerError::Attached { .. }) => {}
            Err(error) => panic!("{name}: {error}"),
        }
    }

    /// Pauses a consumer, or lets it go on, which also closes its circuit.
    pub(super) fn pause_or_resume(&mut self) {
        let name = self.some_name();
        let was_paused = self.is_paused_by_hand(&name);
        // Who is paused pins the log, so it is not to be for long.
        if !was_paused && self.random.below(4) == 0 {
            self.pause(&name);
        } else {
            let is_resumed = self.resume(&name);
            self.note_if(Fault::Resumed, is_resumed && was_paused);
        }
    }

    /// By an operator, or since its version failed its probation.
    pub(super) fn is_paused_by_hand(&self, name: &str) -> bool {
        let is_by_hand = |pause: &Pause| matches!(pause, Pause::Operator { .. } | Pause::Probation { .. });
        let state = self.process.sequencer().consumer_state(name);
        state.is_some_and(|state| state.pauses.iter().any(is_by_hand))
    }

    fn pause(&mut self, name: &str) {
        let now = self.now();
        let paused = self.process.sequencer().pause(name, now);
        self.tell(|| format!("pause {name} → {paused:?}"));
        match paused {
            Ok(_) => {
                self.delivery.paused(name);
                self.note(Fault::Paused);
            }
            Err(ConsumerError::Unready(_)) => self.note(Fault::Unready),
            Err(ConsumerError::NotFound { .. }) => {}
            Err(error) => panic!("{name}: {error}"),
        }
    }

    /// Whether it was.
    pub(super) fn resume(&mut self, name: &str) -> bool {
        let now = self.now();
        let resumed = self.process.sequencer().resume(name, now);
        self.tell(|| format!("resume {name} → {resumed:?}"));
        match &resumed {
            Ok(_) => self.delivery.resumed(name),
            Err(ConsumerError::Unready(_)) => self.note(Fault::Unready),
            Err(ConsumerError::NotFound { .. }) => {}
            Err(error) => panic!("{name}: {error}"),
        }
        // The engine resumes first. A probation that ends at the same moment may then stop the consumer.
        self.hear_verdicts();
        resumed.is_ok()
    }

    /// Lets everybody go on.
    pub(super) fn resume_all(&mut self) {
        let names: Vec<String> = self.consumers.iter().map(|declared| declared.spec.name.clone()).collect();
        for name in names {
            assert!(self.resume(&name), "there is room to resume {name} at the end");
        }
    }

    /// Starts a new generation of a consumer somewhere in the log.
    pub(super) fn reset(&mut self) {
        let name = self.some_name();
        let now = self.now();
        let tail = self.tail();
        let offset = Offset(self.random.below(tail + 1));
        let keep_state = self.random.coin();
        let to = ResetTo { place: ResetPlace::Offset(offset), keep_state };
        let reset = self.process.sequencer().reset(&name, to, now);
        self.tell(|| format!("reset {name} to {offset}, state kept: {keep_state} → {reset:?}"));
        match reset {
            Ok(_) => {
                assert_ne!(name, BANK, "an owner of commands does not begin anew");
                self.delivery.reset(&name);
                self.note(Fault::Reset);
            }
            Err(ConsumerError::NotResettable { .. }) => {
                assert_eq!(name, BANK, "a consumer without commands begins anew");
                self.note(Fault::NotReset);
            }
            Err(ConsumerError::Unready(_)) => self.note(Fault::Unready),
            Err(ConsumerError::NotFound { .. }) => {}
            Err(error) => panic!("{name}: {error}"),
        }
    }
}
