//! Held keys: which keys of a consumer wait, for what, and which of their events comes next.
//!
//! One mechanism serves retries and parking. The held events themselves lie in the tables; here are only
//! their offsets and due times, so that memory stays small and a restart rebuilds it by one scan.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use camshaft_event::{ActivationId, HeldEvent, Key, Offset, Timestamp};

/// What is known here of one held event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeldEntry {
    pub(crate) due: Timestamp,
    /// Whether it has failed since it was first tried or last redriven, counted or not.
    pub(crate) tried: bool,
    pub(crate) bytes: usize,
    pub(crate) sequenced_at: Option<Timestamp>,
    /// The activation on probation that failed it; it waits as long as that is.
    pub(crate) suspended_by: Option<ActivationId>,
    /// When it was first tried, by the wall clock.
    pub(crate) first_attempt: Option<Timestamp>,
    /// For how long it was to wait after the attempt that failed last, in milliseconds.
    pub(crate) wait_ms: u64,
}

impl HeldEntry {
    pub(crate) fn of(held: &HeldEvent) -> Self {
        let suspended_by = held.suspended.as_ref().map(|attempt| attempt.activation);
        Self {
            due: held.due,
            tried: held.attempts > 0 || suspended_by.is_some(),
            bytes: held.size(),
            sequenced_at: held.sequenced_at,
            suspended_by,
            first_attempt: held.first_attempt,
            wait_ms: held
                .history
                .latest()
                .filter(|_| held.attempts > 0)
                .map_or(0, |failed| held.due.ms_since(failed.at)),
        }
    }
}

/// One key whose events wait.
#[derive(Debug, Default)]
struct HeldKey {
    queue: BTreeMap<Offset, HeldEntry>,
    /// Dead letters that park the events behind them. A redriven event may lie before one of them.
    parked_behind: BTreeSet<Offset>,
    /// Where the key stands in `retries`, if it does.
    scheduled: Option<Timestamp>,
}

impl HeldKey {
    /// The events that no dead letter parks and no probation suspends, in order.
    fn open(&self, suspends: Option<ActivationId>) -> impl Iterator<Item = (Offset, &HeldEntry)> {
        let first_parked = self.parked_behind.first().copied();
        let is_before = move |offset: Offset| first_parked.is_none_or(|parked| offset < parked);
        let is_suspended = move |entry: &HeldEntry| suspends.is_some() && entry.suspended_by == suspends;
        self.queue
            .iter()
            .map(|(offset, entry)| (*offset, entry))
            .take_while(move |(offset, entry)| is_before(*offset) && !is_suspended(entry))
    }
}

/// All held keys of one consumer.
#[derive(Debug, Default)]
pub(crate) struct HeldKeys {
    keys: HashMap<Key, HeldKey>,
    retries: BTreeSet<(Timestamp, Key)>,
    /// The keys of all events that wait.
    by_offset: BTreeMap<Offset, Key>,
    /// The events that an activation on probation failed, that one or an earlier one.
    suspended: BTreeMap<Offset, (ActivationId, Key)>,
    /// The activation that is on probation.
    suspends: Option<ActivationId>,
    tried: usize,
    bytes: usize,
}

impl HeldKeys {
    /// Adds or replaces a held event, and schedules its key.
    pub(crate) fn insert(&mut self, key: &Key, offset: Offset, entry: HeldEntry) {
        let held = self.keys.entry(key.clone()).or_default();
        if let Some(replaced) = held.queue.insert(offset, entry) {
            self.tried -= usize::from(replaced.tried);
            self.bytes -= replaced.bytes;
        } else {
            self.by_offset.insert(offset, key.clone());
        }
        self.tried += usize::from(entry.tried);
        self.bytes += entry.bytes;
        match entry.suspended_by {
            Some(by) => _ = self.suspended.insert(offset, (by, key.clone())),
            None => _ = self.suspended.remove(&offset),
        }
        self.schedule(key);
    }

    /// What the activation `suspends` failed waits from now on, and nothing else that one on probation
    /// failed. The keys of what may go on are scheduled.
    pub(crate) fn suspend(&mut self, suspends: Option<ActivationId>) {
        if std::mem::replace(&mut self.suspends, suspends) != suspends {
            let keys: Vec<Key> = self.suspended.values().map(|(_, key)| key.clone()).collect();
            keys.iter().for_each(|key| self.schedule(key));
        }
    }

    /// The events that wait for the end of the probation, in log order.
    pub(crate) fn suspended(&self) -> impl Iterator<Item = Offset> {
        let suspends = self.suspends;
        let waits = self.suspended.iter().filter(move |(_, (by, _))| Some(*by) == suspends);
        waits.map(|(offset, _)| *offset)
    }

    /// Takes a held event out; frees the key with its last one.
    pub(crate) fn remove(&mut self, key: &Key, offset: Offset) {
        if let Some(removed) = self.keys.get_mut(key).and_then(|held| held.queue.remove(&offset)) {
            self.tried -= usize::from(removed.tried);
            self.bytes -= removed.bytes;
            self.suspended.remove(&offset);
            self.by_offset.remove(&offset);
        }
        self.schedule(key);
    }

    /// Takes out a held event of whose key nothing is known; of no effect if there is none.
    pub(crate) fn drop_event(&mut self, offset: Offset) {
        let key = self.by_offset.get(&offset).cloned();
        key.into_iter().for_each(|key| self.remove(&key, offset));
    }

    /// Parks the key behind the dead letter at `offset`.
    pub(crate) fn park(&mut self, key: &Key, offset: Offset) {
        self.keys.entry(key.clone()).or_default().parked_behind.insert(offset);
        self.schedule(key);
    }

    /// The dead letter at `offset` no longer holds the key.
    pub(crate) fn unpark(&mut self, key: &Key, offset: Offset) {
        if let Some(held) = self.keys.get_mut(key) {
            held.parked_behind.remove(&offset);
        }
        self.schedule(key);
    }

    /// Whether a new event of `key` must wait.
    pub(crate) fn is_held(&self, key: &Key) -> bool {
        self.keys.contains_key(key)
    }

    /// Whether the event at `offset` waits.
    pub(crate) fn contains(&self, offset: Offset) -> bool {
        self.by_offset.contains_key(&offset)
    }

    /// The offsets of all events that wait, from `from` on, in order.
    pub(crate) fn offsets_from(&self, from: Offset) -> impl Iterator<Item = Offset> {
        self.by_offset.range(from..).map(|(offset, _)| *offset)
    }

    /// Lets no event wait for its next attempt beyond `latest`, as it says for each.
    pub(crate) fn bound(&mut self, latest: impl Fn(&HeldEntry) -> Timestamp) {
        let mut changed = Vec::new();
        for (key, held) in &mut self.keys {
            for entry in held.queue.values_mut() {
                let latest = latest(entry);
                if entry.due > latest {
                    entry.due = latest;
                    changed.push(key.clone());
                }
            }
        }
        changed.iter().for_each(|key| self.schedule(key));
    }

    /// Whether the event at `offset` waits under `key`.
    pub(crate) fn contains_under(&self, key: &Key, offset: Offset) -> bool {
        self.keys.get(key).is_some_and(|held| held.queue.contains_key(&offset))
    }

    /// Whether an earlier event of `key` waits, or parks what lies behind it.
    pub(crate) fn is_behind(&self, key: &Key, offset: Offset) -> bool {
        self.keys.get(key).is_some_and(|held| {
            held.queue.range(..offset).next().is_some() || held.parked_behind.range(..offset).next().is_some()
        })
    }

    /// How many events of `key` wait.
    pub(crate) fn len_of(&self, key: &Key) -> usize {
        self.keys.get(key).map_or(0, |held| held.queue.len())
    }

    /// Whether a dead letter parks what comes behind it.
    pub(crate) fn is_parked(&self, key: &Key) -> bool {
        self.keys.get(key).is_some_and(|held| !held.parked_behind.is_empty())
    }

    /// The offsets of `key` that may be tried at `now`, in order.
    pub(crate) fn runnable(&self, key: &Key, now: Timestamp) -> impl Iterator<Item = Offset> {
        let suspends = self.suspends;
        let open = self.keys.get(key).into_iter().flat_map(move |held| held.open(suspends));
        open.take_while(move |(_, entry)| entry.due <= now).map(|(offset, _)| offset)
    }

    /// The offsets that wait under `key` behind the dead letter at `offset`, in order.
    pub(crate) fn waiting_behind(&self, key: &Key, offset: Offset) -> impl Iterator<Item = Offset> {
        self.keys
            .get(key)
            .into_iter()
            .flat_map(move |held| held.queue.range(offset..).map(|(offset, _)| *offset))
    }

    /// How many wait under `key` behind the dead letter at `offset`. Only events that were redriven lie
    /// before it, so those are counted.
    pub(crate) fn count_behind(&self, key: &Key, offset: Offset) -> usize {
        let behind = |held: &HeldKey| held.queue.len() - held.queue.range(..offset).count();
        self.keys.get(key).map_or(0, behind)
    }

    /// The keys whose next event has come due, each handed out once; [`HeldKeys::insert`] and its siblings
    /// schedule a key anew.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Vec<Key> {
        let mut due = Vec::new();
        while self.retries.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, key)) = self.retries.pop_first() else { break };
            if let Some(held) = self.keys.get_mut(&key) {
                held.scheduled = None;
            }
            due.push(key);
        }
        due
    }

    /// Schedules `key` again, after a batch that took it ended.
    pub(crate) fn schedule(&mut self, key: &Key) {
        let Some(held) = self.keys.get_mut(key) else { return };
        let wanted = held.open(self.suspends).next().map(|(_, entry)| entry.due);
        if held.scheduled != wanted {
            if let Some(at) = held.scheduled {
                self.retries.remove(&(at, key.clone()));
            }
            if let Some(at) = wanted {
                self.retries.insert((at, key.clone()));
            }
            held.scheduled = wanted;
        }
        if held.queue.is_empty() && held.parked_behind.is_empty() {
            self.keys.remove(key);
        }
    }

    /// When the next key comes due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.retries.first().map(|(at, _)| *at)
    }

    /// Held events, and how many of them have been tried.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.by_offset.len(), self.tried)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The event that lies first in the log; so it is the first of its key.
    pub(crate) fn oldest(&self) -> Option<HeldPlace<'_>> {
        self.place(*self.by_offset.first_key_value()?.0)
    }

    /// Where the event at `offset` stands; none if it does not wait.
    pub(crate) fn place(&self, offset: Offset) -> Option<HeldPlace<'_>> {
        let key = self.by_offset.get(&offset)?;
        let held = self.keys.get(key)?;
        let front = held.queue.keys().next().copied();
        Some(HeldPlace {
            key,
            offset,
            entry: held.queue.get(&offset)?,
            events: held.queue.len(),
            parked_behind: held.parked_behind.first().copied().filter(|parked| *parked < offset),
            behind: front.filter(|front| *front < offset),
            scheduled: held.scheduled,
            is_suspended: self.suspended.get(&offset).is_some_and(|(by, _)| Some(*by) == self.suspends),
        })
    }
}

/// Where an event that waits stands under its key.
pub(crate) struct HeldPlace<'h> {
    pub(crate) key: &'h Key,
    pub(crate) offset: Offset,
    pub(crate) entry: &'h HeldEntry,
    /// How many events of the key wait.
    pub(crate) events: usize,
    /// The first dead letter that parks it.
    pub(crate) parked_behind: Option<Offset>,
    /// The first event of the key, if it is another one.
    pub(crate) behind: Option<Offset>,
    /// When the first one of the key is due; none if that is parked or suspended, or due and handed out.
    pub(crate) scheduled: Option<Timestamp>,
    /// Whether it waits for the end of a probation.
    pub(crate) is_suspended: bool,
}

#[cfg(test)]
mod tests;
