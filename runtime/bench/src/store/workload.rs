//! What is written and read: the tables' keys and values in size and order, from numbers alone, so that a
//! child process can tell what another one wrote.

use std::collections::BTreeMap;

/// The key that holds the number of the last batch, as the tables keep their sequence.
pub const SEQUENCE_KEY: &[u8] = &[0];

/// The size of a measurement.
#[derive(Clone, Copy)]
pub struct Workload {
    /// How many keys exist.
    pub keys: u64,
    /// How many changes a batch has.
    pub batch: u64,
    /// How many batches overwrite keys at random after the fill.
    pub overwrites: u64,
    /// How many gets are timed while nothing is written.
    pub gets: usize,
}

impl Workload {
    /// Five million keys; an overlay of 64 MiB holds about 400,000 changes at 160 bytes each with its own
    /// overhead.
    pub const FULL: Workload = Workload { keys: 5_000_000, batch: 400_000, overwrites: 12, gets: 100_000 };

    /// Small enough for a smoke test.
    pub const QUICK: Workload = Workload { keys: 125_000, batch: 10_000, overwrites: 4, gets: 5_000 };

    /// How many batches the fill takes; batch numbers above it overwrite.
    pub fn fill_batches(&self) -> u64 {
        self.keys.div_ceil(self.batch)
    }

    /// The changes of batch `number` (from 1), sorted, with the sequence key.
    pub fn changes(&self, number: u64) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let first = (number - 1) * self.batch;
        let indexes = first..first + self.batch;
        let mut changes: BTreeMap<Vec<u8>, Vec<u8>> = if number <= self.fill_batches() {
            indexes
                .filter(|index| *index < self.keys)
                .map(|index| (key(index), value(number, index)))
                .collect()
        } else {
            indexes
                .map(|draw| mix(draw) % self.keys)
                .map(|index| (key(index), value(number, index)))
                .collect()
        };
        changes.insert(SEQUENCE_KEY.to_vec(), number.to_be_bytes().to_vec());
        changes
    }

    /// The key of the n-th read: nine of ten exist.
    pub fn read(&self, n: u64) -> Vec<u8> {
        key(mix(!n) % (self.keys + self.keys / 9))
    }
}

/// One tag byte, the consumer, twenty digits in no order.
fn key(index: u64) -> Vec<u8> {
    let mut key = vec![1, 0, 0, 0, 7];
    key.extend_from_slice(format!("{:020}", mix(index)).as_bytes());
    key
}

/// 64 to 100 bytes: the batch's number, then bytes that do not compress, as a mixture of counters and ids
/// would not.
fn value(number: u64, index: u64) -> Vec<u8> {
    let mut value = number.to_be_bytes().to_vec();
    let bytes = 64 + mix(index ^ number) % 37;
    let mut seed = number << 32 | index;
    while (value.len() as u64) < bytes {
        seed = mix(seed);
        value.extend_from_slice(&seed.to_le_bytes());
    }
    value.truncate(100);
    value
}

/// The number of the batch that wrote `value`.
pub fn batch_number(value: &[u8]) -> Option<u64> {
    value.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// Spreads numbers over all of u64, each to another one (the finisher of SplitMix64).
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
