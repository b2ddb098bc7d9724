//! The events and what is made of them, from numbers alone, so that each process can tell what another one
//! wrote.

use camshaft::{Attempt, AttemptContext, Event, Failure, Subscription};

/// The closure's name.
pub const CONSUMER: &str = "keeper";

/// Size of a value, as it is in the event and in the state.
const VALUE_BYTES: usize = 50;

/// How much there is.
#[derive(Clone, Copy)]
pub struct Workload {
    /// State keys, and events with as many ids.
    pub keys: u64,
}

impl Workload {
    /// The event with this number; those below `keys` are published by the fill.
    pub fn event(number: u64) -> Event {
        Event {
            id: number.to_string(),
            source: "/bench".into(),
            event_type: "test.event".into(),
            partitionkey: Some(Self::key(number)),
            datacontenttype: Some("application/octet-stream".into()),
            data: Self::value(number),
            ..Event::default()
        }
    }

    /// The key that an event writes: twenty digits in no order.
    pub fn key(number: u64) -> String {
        format!("{:020}", mix(number))
    }

    /// Its value: bytes that do not compress.
    pub fn value(number: u64) -> Vec<u8> {
        (0..).flat_map(|part| mix(!number ^ part << 40).to_le_bytes()).take(VALUE_BYTES).collect()
    }

    /// `count` of the numbers below `keys`, spread over all.
    pub fn sample(self, count: u64) -> impl Iterator<Item = u64> {
        (0..count.min(self.keys)).map(move |index| mix(index) % self.keys)
    }
}

/// What the closure handles.
pub fn subscription() -> Subscription {
    Subscription::types(["test.event"])
}

/// What it does: keeps the event's data under the event's key.
pub fn handle(event: &Event, attempt: &mut Attempt) -> Result<(), Failure> {
    let key = event.partitionkey.as_deref().unwrap_or_default();
    attempt.set(key.as_bytes(), &event.data)?;
    Ok(())
}

/// Spreads numbers over all of u64, each to another one (the finisher of SplitMix64).
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
