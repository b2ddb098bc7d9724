//! Values as the tables keep them: copied in the critical section, decoded outside of it.
//!
//! A held event or dead letter may have a megabyte. Listings take its bytes from memory under the sequencer's lock, or
//! from the store without it, and decode them where nobody waits.

use std::marker::PhantomData;

use camshaft_event::{ConsumerId, DeadLetter, HeldEvent, Offset};
use serde::de::DeserializeOwned;

use crate::store::Store;
use crate::{Tables, TablesError, keys, read};

/// The bytes of a value.
#[derive(Clone, Debug)]
pub struct Encoded<T> {
    bytes: Vec<u8>,
    what: &'static str,
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
    what: &'static str,
    value: PhantomData<T>,
}

impl<T: DeserializeOwned> Lies<T> {
    /// The value; none if there is none.
    ///
    /// # Errors
    /// A store that cannot be read, or a damaged value.
    pub fn read<S: Store>(self, store: &S) -> Result<Option<T>, TablesError> {
        let encoded = match self {
            Self::InMemory(encoded) => encoded,
            Self::InStore(StoredKey { key, what, value }) => {
                store.get(&key)?.map(|bytes| Encoded { bytes, what, value })
            }
        };
        encoded.map(|encoded| read::decode(&encoded.bytes, encoded.what)).transpose()
    }
}

impl<S: Store> Tables<S> {
    /// Where a dead letter lies.
    #[must_use]
    pub fn find_dead_letter(&self, consumer: ConsumerId, offset: Offset) -> Lies<DeadLetter> {
        self.find(keys::dead(consumer, offset), "dead letter")
    }

    /// Where a held event lies.
    #[must_use]
    pub fn find_held(&self, consumer: ConsumerId, offset: Offset) -> Lies<HeldEvent> {
        self.find(keys::held(consumer, offset), "held event")
    }

    fn find<T>(&self, key: Vec<u8>, what: &'static str) -> Lies<T> {
        match self.in_memory(&key) {
            Some(known) => {
                Lies::InMemory(known.map(|bytes| Encoded { bytes: bytes.to_vec(), what, value: PhantomData }))
            }
            None => Lies::InStore(StoredKey { key, what, value: PhantomData }),
        }
    }
}
