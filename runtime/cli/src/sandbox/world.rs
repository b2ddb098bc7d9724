//! State and timers of one plugin in memory: the input of an attempt in the sandbox, and the destination of
//! its effects.
//!
//! It stores the same data as a runtime's tables, without versions: only one attempt runs at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use camshaft_engine::StateReader;
use camshaft_event::{
    AttemptInputs, ConsumerId, Event, Sequence, Timestamp,
    transaction::{Handled, TimerChange},
};
use camshaft_tables::{PortionBounds, StatePortion, StateSpace, TablesError, Versioned};

/// The state and timers of one plugin.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) state: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) timers: BTreeMap<String, (Timestamp, Event)>,
    /// Keys that the recorded attempt read and found absent. None if this world is complete.
    recorded: Option<BTreeSet<Vec<u8>>>,
    /// Whether some recorded reads are missing.
    truncated: bool,
    /// Keys that were read but not recorded; a prefix ends with `*`.
    missed: Mutex<BTreeSet<Vec<u8>>>,
}

impl World {
    /// The world that an attempt saw, as far as it was recorded.
    pub(crate) fn recorded(inputs: &AttemptInputs) -> Self {
        let mut world =
            Self { recorded: Some(BTreeSet::new()), truncated: inputs.truncated, ..Self::default() };
        for (key, value) in &inputs.state {
            let Some(value) = value else {
                world.recorded.get_or_insert_default().insert(key.to_vec());
                continue;
            };
            // The first read counts: later reads return the same value, or the attempt's own writes.
            world.state.entry(key.to_vec()).or_insert_with(|| value.to_vec());
        }
        world
    }

    /// The keys that were read but not recorded. These reads found no value here.
    pub(crate) fn missed(&self) -> Vec<Vec<u8>> {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Applies the effects of a successful attempt.
    pub(crate) fn take(&mut self, effects: &Handled) {
        for write in &effects.state {
            match &write.value {
                Some(value) => drop(self.state.insert(write.key.to_vec(), value.to_vec())),
                None => drop(self.state.remove(write.key.as_slice())),
            }
        }
        for change in &effects.timers {
            match change {
                TimerChange::Set { name, at, event } => {
                    self.timers.insert(name.clone(), (*at, (**event).clone()));
                }
                TimerChange::Cancel { name } => drop(self.timers.remove(name)),
            }
        }
    }

    fn miss(&self, asked: &[u8]) {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner).insert(asked.to_vec());
    }
}

impl StateReader for World {
    fn state(&self, _: StateSpace, key: &[u8]) -> Result<Option<Versioned>, TablesError> {
        let found = self.state.get(key);
        if found.is_none() && self.recorded.as_ref().is_some_and(|absent| !absent.contains(key)) {
            self.miss(key);
        }
        Ok(found.cloned().map(versioned))
    }

    fn replaced_bytes(&self, _: StateSpace, key: &[u8]) -> Result<Option<usize>, TablesError> {
        Ok(self.state.get(key).map(Vec::len))
    }

    fn state_portion(
        &self,
        _: StateSpace,
        prefix: &[u8],
        after: Option<&[u8]>,
        bounds: PortionBounds,
    ) -> Result<StatePortion, TablesError> {
        if self.truncated {
            self.miss(&[prefix, b"*"].concat());
        }
        let under = self.state.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
        let mut portion = StatePortion::default();
        let mut bytes = 0;
        for (key, value) in under.filter(|(key, _)| after.is_none_or(|after| key.as_slice() > after)) {
            bytes += key.len() + value.len();
            portion.entries.push((key.clone(), versioned(value.clone())));
            if portion.entries.len() >= bounds.entries || bytes >= bounds.bytes {
                portion.after = Some(key.clone());
                break;
            }
        }
        Ok(portion)
    }

    fn has_timer(&self, _: ConsumerId, name: &str) -> bool {
        self.timers.contains_key(name)
    }
}

fn versioned(value: Vec<u8>) -> Versioned {
    Versioned { version: Sequence(1), value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_recorded_is_missed_and_what_was_found_absent_is_not() {
        let space = StateSpace { consumer: ConsumerId::default(), generation: camshaft_event::Generation(1) };
        let inputs = AttemptInputs {
            state: vec![
                (b"a".to_vec().into(), Some(b"1".to_vec().into())),
                (b"b".to_vec().into(), None),
                (b"a".to_vec().into(), Some(b"2".to_vec().into())),
            ],
            truncated: true,
        };
        let world = World::recorded(&inputs);
        let read = |key: &[u8]| world.state(space, key).unwrap().map(|found| found.value);
        assert_eq!((read(b"a"), read(b"b"), read(b"c")), (Some(b"1".to_vec()), None, None));
        assert_eq!(world.missed(), [b"c".to_vec()]);
        assert!(World::default().state(space, b"c").unwrap().is_none());
        assert!(World::default().missed().is_empty());
    }
}
