//! What operators see of consumers and dead letters.

use camshaft_event::transaction::{Activation, ConsumerRecord};
use camshaft_event::{ConsumerId, DeadLetter, Offset, Sequence, Timestamp};
use camshaft_tables::store::Store;
use camshaft_tables::{StateSpace, TablesError};

use super::{OldestHeld, Pause, ProbationState, Sequencer, Unhandled};
use crate::consumer::{Consumer, LastFailure};
use crate::damage::Damage;

/// Where a consumer stands.
#[derive(Clone, Debug)]
pub struct ConsumerState {
    /// Its record.
    pub record: ConsumerRecord,
    /// Everything before is done, held or dead.
    pub checkpoint: Offset,
    /// Events between the checkpoint and the end of the log, of any type.
    pub lag: u64,
    /// Events that workers have in hand.
    pub in_flight: usize,
    /// Events that failed and wait for another attempt, or for the end of a probation.
    pub retrying: usize,
    /// Events that wait behind others of their key.
    pub held: usize,
    /// Dead letters.
    pub dead: usize,
    /// Whether a worker would be given a batch of it now, were it its turn.
    pub ready: bool,
    /// Whether something was given to run for it since the start.
    pub is_attended: bool,
    /// What keeps it from taking events; empty if it goes on.
    pub pauses: Vec<Pause>,
    /// What it needs and cannot read.
    pub damage: Vec<Damage>,
    /// How its newest activation does, if that is on probation.
    pub probation: Option<ProbationState>,
    /// When its rate limit lets it go on, if there is work that waits for that.
    pub throttled_until: Option<Timestamp>,
    /// Bytes of keys and values in its state.
    pub state_bytes: u64,
    /// Timers that are set.
    pub timers: usize,
    /// The oldest event that is neither done nor dead.
    pub oldest: Option<Unhandled>,
    /// The held key whose first event is the oldest.
    pub oldest_held: Option<OldestHeld>,
    /// How an attempt of it failed last, whatever became of the event.
    pub last_failure: Option<LastFailure>,
}

/// A dead letter as listed.
#[derive(Clone, Debug)]
pub struct DeadLetterEntry {
    /// Whose.
    pub consumer: String,
    /// The event's offset.
    pub offset: Offset,
    /// All of it.
    pub letter: DeadLetter,
    /// How many events wait behind it.
    pub waiting: usize,
}

impl<S: Store> Sequencer<S> {
    /// All consumers that are not forgotten, by name.
    #[must_use]
    pub fn consumer_states(&self) -> Vec<ConsumerState> {
        self.consumer_names().iter().filter_map(|name| self.consumer_state(name)).collect()
    }

    /// One consumer.
    #[must_use]
    pub fn consumer_state(&self, name: &str) -> Option<ConsumerState> {
        let consumer = self.known(name)?;
        let tail = self.tables.progress().next_offset;
        let checkpoint = consumer.floor(tail);
        let (held, retrying) = consumer.held.counts();
        Some(ConsumerState {
            record: consumer.record.clone(),
            checkpoint,
            lag: tail.0 - checkpoint.0,
            in_flight: consumer.running.events,
            retrying,
            held: held - retrying,
            dead: consumer.dead.len(),
            ready: consumer.is_ready(),
            is_attended: consumer.is_attached(),
            pauses: Pause::of(consumer, &self.steady),
            damage: consumer.damage.clone(),
            probation: ProbationState::of(consumer, &self.steady),
            throttled_until: consumer.throttled_until().map(|until| self.steady.to_wall(until)),
            state_bytes: self.tables.state_bytes(consumer.space()),
            timers: self.timers.count(consumer.record.id),
            oldest: consumer.oldest(tail),
            oldest_held: consumer.oldest_held(&self.steady),
            last_failure: consumer.last_failure().cloned(),
        })
    }

    /// Where a plugin's state lies in the tables.
    #[must_use]
    pub fn state_space(&self, name: &str) -> Option<StateSpace> {
        self.known(name).map(Consumer::space)
    }

    /// The last transaction that wrote a consumer's state, as far as memory knows; what it does not is
    /// durable.
    #[must_use]
    pub fn state_written(&self, consumer: ConsumerId) -> Sequence {
        self.consumers.get(consumer).map(|consumer| consumer.state_version).unwrap_or_default()
    }

    /// The activation that a consumer runs, or ran last.
    ///
    /// # Errors
    /// Tables that cannot be read.
    pub fn current_activation(&self, name: &str) -> Result<Option<Activation>, TablesError> {
        self.known(name).map_or(Ok(None), |consumer| self.tables.activation(consumer.record.activation))
    }

    /// The consumers that are attached by their records, but that nothing was given to run since the start.
    #[must_use]
    pub fn unattended(&self) -> Vec<String> {
        let unattended = self.consumers.values().filter(|consumer| consumer.is_unattended());
        unattended.map(|consumer| consumer.record.name.clone()).collect()
    }

    /// Whether something runs for a consumer of this name.
    #[must_use]
    pub fn is_attended(&self, name: &str) -> bool {
        self.known(name).is_some_and(Consumer::is_attached)
    }

    /// A consumer of this name that is not forgotten.
    pub(super) fn known(&self, name: &str) -> Option<&Consumer> {
        self.consumers.named(name)
    }
}
