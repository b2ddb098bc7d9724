//! Pauses of a consumer: by an operator, by its circuit breaker, and at the bound on held events and dead
//! letters.
//!
//! A paused consumer stays attached and pins the log. It takes no batch, so it burns no attempts; its held
//! keys do not come due; what is in flight finishes. Timers fire all the same: they publish, which is no
//! attempt.

use camshaft_event::{ConsumerId, Sequence, Timestamp};
use camshaft_tables::TablesError;
use camshaft_tables::store::Store;

use super::Sequencer;
use super::lifecycle::{CHANGE_BYTES, ConsumerError};
use crate::clock::SteadyTime;
use crate::consumer::Consumer;
use crate::notice::Noticed;
use crate::system_event::{PauseBegins, PauseEnds, SystemEvent};

/// Why a consumer takes no events now; several may apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// An operator paused it, for as long as it takes. Durable.
    Operator {
        /// Since when.
        since: Timestamp,
    },
    /// Its newest version has failed its probation, and there is nothing to go back to: until an operator
    /// resumes it, or gives it another version. Durable.
    Probation {
        /// Since when.
        since: Timestamp,
    },
    /// Its circuit breaker is open: too many of its recent attempts failed. In memory only: a restart, other
    /// code and a reset begin closed.
    Breaker {
        /// It takes nothing until then, and from then on single events, one at a time, until an attempt
        /// succeeds.
        until: Timestamp,
    },
    /// Held events and dead letters are at their bound: it takes no new events, but retries go on. It heals
    /// when there is room again.
    Bound,
    /// It needs a part of the log or the tables that is damaged: until an operator resumes it, skips that
    /// part or resets it. In memory only: a start that meets the damage pauses it again.
    Damaged,
}

impl Pause {
    pub(crate) const OPERATOR: &str = "operator";
    pub(crate) const PROBATION: &str = "probation";
    pub(crate) const BREAKER: &str = "breaker";
    pub(crate) const BOUND: &str = "bound";
    pub(crate) const DAMAGED: &str = "damaged";

    /// The word for it in system events and listings.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Operator { .. } => Self::OPERATOR,
            Self::Probation { .. } => Self::PROBATION,
            Self::Breaker { .. } => Self::BREAKER,
            Self::Bound => Self::BOUND,
            Self::Damaged => Self::DAMAGED,
        }
    }

    pub(super) fn of(consumer: &Consumer, steady: &SteadyTime) -> Vec<Self> {
        let is_stopped = consumer.record.probation.as_ref().is_some_and(|probation| probation.stopped);
        let by_record = |since| if is_stopped { Self::Probation { since } } else { Self::Operator { since } };
        let durable = consumer.record.paused.map(by_record);
        let bound = consumer.told.bound.then_some(Self::Bound);
        let damaged = consumer.is_damaged().then_some(Self::Damaged);
        let breaker = consumer.circuit.on_trial_from();
        let breaker = breaker.map(|until| Self::Breaker { until: steady.to_wall(until) });
        durable.into_iter().chain(damaged).chain(breaker).chain(bound).collect()
    }
}

impl<S: Store> Sequencer<S> {
    /// Pauses a consumer until [`Sequencer::resume`], also over restarts, detachment, other code and a reset.
    /// Of no effect on one that is paused by hand already. Returns the transaction to wait for.
    ///
    /// # Errors
    /// An unknown name, a bound that is reached, or tables that cannot be read.
    pub fn pause(&mut self, name: &str, now: Timestamp) -> Result<Sequence, ConsumerError> {
        self.step(now, |sequencer| sequencer.set_paused(name, Some(now), now))?;
        Ok(self.sequenced().sequence)
    }

    /// Lets a consumer that was paused by hand go on where it stands, and closes its circuit breaker. A
    /// damaged one tries again to read what it needs. One that was stopped by a failed probation goes on with
    /// what it has: that counts as accepted. Of no effect on one that goes on. Returns the transaction to
    /// wait for.
    ///
    /// # Errors
    /// An unknown name, a bound that is reached, or tables that cannot be read.
    pub fn resume(&mut self, name: &str, now: Timestamp) -> Result<Sequence, ConsumerError> {
        self.step(now, |sequencer| sequencer.set_paused(name, None, now))?;
        Ok(self.sequenced().sequence)
    }

    fn set_paused(
        &mut self,
        name: &str,
        paused: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), ConsumerError> {
        self.check_ready(CHANGE_BYTES)?;
        let consumer = self.consumer_mut(name)?;
        let id = consumer.record.id;
        if paused.is_none() {
            consumer.circuit.close();
            consumer.damage.retain(|damage| damage.at_start);
        }
        if consumer.record.paused.is_some() != paused.is_some() {
            consumer.record.paused = paused;
            let is_stopped = consumer.record.probation.as_ref().is_some_and(|probation| probation.stopped);
            let sequence = self.next_sequence();
            let told = match paused {
                Some(_) => SystemEvent::Paused { consumer: name, pause: PauseBegins::Operator, sequence },
                None => {
                    let pause = if is_stopped { PauseEnds::Probation } else { PauseEnds::Operator };
                    SystemEvent::Resumed { consumer: name, pause, sequence }
                }
            };
            let mut events = vec![told.at(now)];
            if is_stopped {
                events.extend(self.accept(id, now));
            }
            self.sequence_record(id, events, now)?;
            let what = if paused.is_some() { Noticed::Paused } else { Noticed::Resumed };
            self.notices.add(what, name, None, "by an operator");
        }
        self.timers.retry(id);
        Ok(())
    }

    /// Publishes pauses that began or ended by themselves since it was last said. Without room the next tick
    /// says it.
    pub(super) fn announce_pauses(&mut self, id: ConsumerId, now: Timestamp) -> Result<(), TablesError> {
        self.announce_damage(id, now)?;
        self.announce_stall(id, now)?;
        self.announce_circuit(id, now)
    }

    /// Whether there is room to announce something of the consumer; if not, its turn comes again.
    pub(super) fn may_announce(&mut self, id: ConsumerId) -> bool {
        let has_room = self.check_ready(CHANGE_BYTES).is_ok();
        if !has_room {
            self.consumers.settle_later(id);
        }
        has_room
    }

    /// That the circuit opened, or that it is closed again. What happens on trial in between is not said: a
    /// consumer of these very events would feed on it.
    fn announce_circuit(&mut self, id: ConsumerId, now: Timestamp) -> Result<(), TablesError> {
        let Some(consumer) = self.consumers.get(id) else { return Ok(()) };
        let until = consumer.circuit.on_trial_from();
        if until.is_some() == consumer.told.circuit || !self.may_announce(id) {
            return Ok(());
        }
        let sequence = self.next_sequence();
        let Some(consumer) = self.consumers.quietly(id) else { return Ok(()) };
        consumer.told.circuit = until.is_some();
        let consumer = &*consumer.record.name;
        let told = match until {
            Some(until) => {
                let pause = PauseBegins::Breaker { until: self.steady.to_wall(until) };
                SystemEvent::Paused { consumer, pause, sequence }
            }
            None => SystemEvent::Resumed { consumer, pause: PauseEnds::Breaker, sequence },
        };
        let event = told.at(now);
        let (what, reason) = match until {
            Some(_) => (Noticed::Paused, "too many attempts failed: its circuit breaker is open"),
            None => (Noticed::Resumed, "its circuit breaker is closed"),
        };
        self.notices.add(what, consumer, None, reason);
        self.publish_own(event, now)
    }

    /// That it has stopped reading because its held events and dead letters are at their bound, or that it
    /// goes on.
    fn announce_stall(&mut self, id: ConsumerId, now: Timestamp) -> Result<(), TablesError> {
        let Some(consumer) = self.consumers.get(id) else { return Ok(()) };
        let (begins, ends) = (consumer.begins_to_stall(), consumer.ends_its_stall(&self.options));
        if (!begins && !ends) || !self.may_announce(id) {
            return Ok(());
        }
        let sequence = self.next_sequence();
        let Some(consumer) = self.consumers.quietly(id) else { return Ok(()) };
        consumer.told.bound = begins;
        let (held, dead) = (consumer.held.counts().0, consumer.dead.len());
        let consumer = &*consumer.record.name;
        let told = if begins {
            SystemEvent::Paused { consumer, pause: PauseBegins::Bound { held, dead }, sequence }
        } else {
            SystemEvent::Resumed { consumer, pause: PauseEnds::Bound { held, dead }, sequence }
        };
        let event = told.at(now);
        let what = if begins { Noticed::Paused } else { Noticed::Resumed };
        let reason = format!("{held} held events and {dead} dead letters");
        self.notices.add(what, consumer, None, &reason);
        self.publish_own(event, now)
    }
}
