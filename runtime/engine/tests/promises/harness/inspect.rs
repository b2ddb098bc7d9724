//! What is there after all that was done: where consumers stand, and what log and store hold.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use camshaft_engine::ConsumerState;
use camshaft_event::{DeadLetter, Event, Offset, Transaction};
use camshaft_log::Disk;
use camshaft_tables::PortionBounds;
use camshaft_tables::store::Store;

use super::World;

impl World {
    pub fn standing(&self, name: &str) -> ConsumerState {
        self.sequencer().consumer_state(name).unwrap()
    }

    /// A plugin's whole state, as text.
    pub fn state(&self, name: &str) -> BTreeMap<String, String> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        self.stored_state(name).into_iter().map(|(key, value)| (text(key), text(value))).collect()
    }

    pub fn stored_state(&self, name: &str) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let sequencer = self.sequencer();
        let space = sequencer.state_space(name).unwrap();
        let bounds = PortionBounds { entries: 100, bytes: 1 << 20 };
        let (mut found, mut after) = (BTreeMap::new(), None);
        loop {
            let portion = sequencer.tables().state_portion(space, b"", after.as_deref(), bounds).unwrap();
            found.extend(portion.entries.into_iter().map(|(key, value)| (key, value.value)));
            let Some(last) = portion.after else { return found };
            after = Some(last);
        }
    }

    pub fn dead(&self, name: &str) -> Vec<(Offset, DeadLetter)> {
        let mut letters = Vec::new();
        let listed = self.shared().each_dead_letter(name, Offset(0), &|_| true, &mut |entry| {
            letters.push((entry.offset, entry.letter));
            ControlFlow::Continue(())
        });
        assert!(listed.unwrap().is_continue());
        letters
    }

    /// Ids of the events that handlers of `name` were called with, in order.
    pub fn called(&self, name: &str) -> Vec<String> {
        self.calls.borrow().iter().filter(|call| call.consumer == name).map(|call| call.id.clone()).collect()
    }

    /// All transactions of the log, as far as it is written.
    pub fn transactions(&mut self) -> Vec<Transaction> {
        let first = self.log().bounds().first_sequence;
        self.transactions_from(first)
    }

    pub fn transactions_from(&mut self, mut next: u64) -> Vec<Transaction> {
        let reader = self.log();
        let mut found = Vec::new();
        loop {
            let batch = reader.read_from(next, 1 << 20).unwrap();
            if batch.is_empty() {
                return found;
            }
            next += batch.len() as u64;
            found.extend(batch.iter().map(|record| Transaction::decode(record.payload).unwrap()));
        }
    }

    /// The log's events that producers and handlers published, not the runtime's own.
    pub fn events(&mut self) -> Vec<Event> {
        self.all_events().into_iter().filter(|event| event.source != "/camshaft").collect()
    }

    pub fn all_events(&mut self) -> Vec<Event> {
        let transactions = self.transactions();
        transactions
            .iter()
            .flat_map(|transaction| transaction.events().cloned().collect::<Vec<_>>())
            .collect()
    }

    /// Flips a byte of the record at `sequence`, that many bytes behind its start.
    pub fn damage_record(&self, sequence: u64, byte: usize) {
        let log = self.log();
        let batch = log.read_from(sequence, 1).unwrap();
        let payload = batch.iter().next().unwrap().payload.to_vec();
        for name in self.disk.list().unwrap() {
            let bytes = self.disk.bytes(&name);
            let place = bytes.windows(payload.len()).position(|window| window == payload);
            if let Some(place) = place {
                // A record's header has 48 bytes.
                self.disk.edit(&name, |bytes| bytes[place - 48 + byte] ^= 1);
                return;
            }
        }
        panic!("the record lies in some file");
    }

    /// Overwrites the stored entries of a table, by its tag, with bytes that are nothing; how many there
    /// were.
    pub fn damage_table(&self, tag: u8) -> usize {
        let keys: Vec<Vec<u8>> = self.stored().into_keys().filter(|key| key[0] == tag).collect();
        self.store.write(&mut keys.iter().map(|key| (key.as_slice(), Some(&b"\xc1"[..])))).unwrap();
        keys.len()
    }

    /// The data of the runtime's own events of a type.
    pub fn told(&mut self, event_type: &str) -> Vec<serde_json::Value> {
        let log = self.log();
        let bounds = log.bounds();
        // Damaged records tell nothing.
        let records =
            (bounds.first_sequence..=bounds.last_sequence).filter_map(|at| log.read_from(at, 1).ok());
        let transactions: Vec<Transaction> = records
            .filter_map(|batch| {
                batch.iter().next().map(|record| Transaction::decode(record.payload).unwrap())
            })
            .collect();
        let events = transactions.iter().flat_map(Transaction::events);
        let told = events.filter(|event| event.event_type == event_type);
        told.map(|event| serde_json::from_slice(&event.data).unwrap()).collect()
    }

    /// All that the store holds, as it lies there.
    pub fn stored(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut entries = BTreeMap::new();
        self.store
            .scan(b"", None, &mut |key, value| {
                entries.insert(key.to_vec(), value.to_vec());
                ControlFlow::Continue(())
            })
            .unwrap();
        entries
    }
}
