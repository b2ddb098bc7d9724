//! Values as the tables keep them: copied in the critical section, decoded outside of it.
//!
//! A held event or dead letter may have a megabyte. Listings take its bytes from memory under the sequencer's
//! lock, or from the store without it, and decode them where nobody waits.

use std::marker::PhantomData;

use camshaft_event::{ConsumerId, DeadLetter, HeldEvent, Offset};
use serde::de::DeserializeOwned;

use crate::store::Store;
use crate::{TablePart, Tables, TablesError, keys, read};

/// The bytes of a value.
#[derive(Clone, Debug)]
pub struct Encoded<T> {
    bytes: Vec<u8>,
    entry: Entry,
    value: PhantomData<T>,
}

/// Where a value lies.
#[derive(Clone, Debug)]
pub enum Lies<T> {
    /// In memory; none if it was deleted.
    InMemory(Option<Encoded<T>>),
    /// In the store, if anywhere, under this key. IMPORTANT: read it outside the critical section.
    InStore(StoredKey<T>),
}

/// A key of the store.
#[derive(Clone, Debug)]
pub struct StoredKey<T> {
    key: Vec<u8>,
    entry: Entry,
    value: PhantomData<T>,
}

/// Whose value it is, and which.
#[derive(Clone, Debug)]
struct Entry {
    consumer: ConsumerId,
    part: TablePart,
    what: &'static str,
}

impl<T: DeserializeOwned> Lies<T> {
    /// The value; none if there is none.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn read<S: Store>(self, store: &S) -> Result<Option<T>, TablesError> {
        let encoded = match self {
            Self::InMemory(encoded) => encoded,
            Self::InStore(StoredKey { key, entry, value }) => match store.get(&key) {
                Ok(found) => found.map(|bytes| Encoded { bytes, entry, value }),
                Err(error) => return Err(entry.unread(error.into())),
            },
        };
        encoded.map(Encoded::decoded).transpose()
    }
}

impl<T: DeserializeOwned> Encoded<T> {
    fn decoded(self) -> Result<T, TablesError> {
        read::decode(&self.bytes, self.entry.what).map_err(|error| self.entry.unread(error))
    }
}

impl Entry {
    fn unread(self, error: TablesError) -> TablesError {
        error.of_consumer(self.consumer, self.part)
    }
}

impl<S: Store> Tables<S> {
    /// Where a dead letter lies.
    #[must_use]
    pub fn find_dead_letter(&self, consumer: ConsumerId, offset: Offset) -> Lies<DeadLetter> {
        let entry = Entry { consumer, part: TablePart::DeadLetter(offset), what: "dead letter" };
        self.find(keys::dead(consumer, offset), entry)
    }

    /// Where a held event lies.
    #[must_use]
    pub fn find_held(&self, consumer: ConsumerId, offset: Offset) -> Lies<HeldEvent> {
        let entry = Entry { consumer, part: TablePart::Held(offset), what: "held event" };
        self.find(keys::held(consumer, offset), entry)
    }

    fn find<T>(&self, key: Vec<u8>, entry: Entry) -> Lies<T> {
        match self.in_memory(&key) {
            Some(known) => Lies::InMemory(known.map(|bytes| Encoded {
                bytes: bytes.to_vec(),
                entry,
                value: PhantomData,
            })),
            None => Lies::InStore(StoredKey { key, entry, value: PhantomData }),
        }
    }
}
