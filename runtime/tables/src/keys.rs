//! Where each table lies in the store's one keyspace.
//!
//! A key is a tag byte, then big-endian numbers, so that byte order is number order. Tags are persisted,
//! never renumber. Identities are not sorted in memory: the flusher puts them between the sorted tables
//! before and behind.

use camshaft_event::{ActivationId, ConsumerId, Generation, Offset, RedriveId, Scope};

use crate::StateSpace;

/// Format and progress of the snapshot, and what it sums up.
const META: u8 = 1;
/// Consumer id → [`camshaft_event::transaction::ConsumerRecord`].
pub(crate) const CONSUMER: u8 = 2;
/// Consumer id, partition → offset before which the partition is done.
const CHECKPOINT: u8 = 3;
/// Consumer id → offset before which all its partitions are done.
const FLOOR: u8 = 4;
/// Activation id → [`camshaft_event::transaction::Activation`].
const ACTIVATION: u8 = 5;
/// Consumer id, generation, the plugin's key → sequence of the write, value.
const STATE: u8 = 6;
/// Consumer id, offset → [`camshaft_event::HeldEvent`].
const HELD: u8 = 7;
/// Consumer id, offset → [`camshaft_event::DeadLetter`].
const DEAD: u8 = 8;
/// Consumer id, name → due time, event.
const TIMER: u8 = 9;
/// 128-bit hash of source and id → offset, content hash.
const IDENTITY: u8 = 10;
/// Redrive job id → [`camshaft_event::transaction::RedriveJob`].
const REDRIVE: u8 = 11;
/// Redrive job id → [`camshaft_event::transaction::RedriveResults`].
const REDRIVE_RESULTS: u8 = 12;
/// Consumer id → [`camshaft_event::transaction::RecentEvents`].
const RECENT: u8 = 13;
/// Consumer id → generation of its state, bytes of keys and values in it.
const STATE_SIZE: u8 = 14;
/// Offset of a command → offset when it was decided, its decision.
const ANSWER: u8 = 15;
/// 128-bit hash of source and id of a command that was decided → offset when it was decided, its offset,
/// content hash.
const DECIDED: u8 = 16;
/// 128-bit hash of source and id of a command that is held or dead → its offset, content hash. A key of its
/// own, since the store may show an older value of a key whose last value has expired.
const UNDECIDED: u8 = 17;
/// Command type or fact type → offset of the last command, or of the last decision that recorded such a fact.
const LAST_COMMAND: u8 = 18;
/// Consumer id, name of a scope, a zero byte, version → offset of the fact.
const FACT: u8 = 19;

/// Bytes that precede a plugin's own key.
pub(crate) const STATE_PREFIX_BYTES: usize = 9;

pub(crate) const FORMAT: &[u8] = &[META, 0];
pub(crate) const PROGRESS: &[u8] = &[META, 1];
/// Bytes of all facts.
pub(crate) const FACT_BYTES: &[u8] = &[META, 2];

fn key(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + parts.iter().map(|part| part.len()).sum::<usize>());
    key.push(tag);
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

pub(crate) fn consumer(id: ConsumerId) -> Vec<u8> {
    key(CONSUMER, &[&id.0.to_be_bytes()])
}

pub(crate) fn checkpoint(id: ConsumerId, partition: u32) -> Vec<u8> {
    key(CHECKPOINT, &[&id.0.to_be_bytes(), &partition.to_be_bytes()])
}

pub(crate) fn floor(id: ConsumerId) -> Vec<u8> {
    key(FLOOR, &[&id.0.to_be_bytes()])
}

pub(crate) fn recent(id: ConsumerId) -> Vec<u8> {
    key(RECENT, &[&id.0.to_be_bytes()])
}

pub(crate) fn state_size(id: ConsumerId) -> Vec<u8> {
    key(STATE_SIZE, &[&id.0.to_be_bytes()])
}

pub(crate) fn state_sizes() -> Vec<u8> {
    vec![STATE_SIZE]
}

/// The consumer at the end of a key of sizes.
pub(crate) fn trailing_consumer(key: &[u8]) -> Option<ConsumerId> {
    let bytes = key.last_chunk::<4>()?;
    Some(ConsumerId(u32::from_be_bytes(*bytes)))
}

pub(crate) fn activation(id: ActivationId) -> Vec<u8> {
    key(ACTIVATION, &[&id.0.to_be_bytes()])
}

pub(crate) fn activations() -> Vec<u8> {
    vec![ACTIVATION]
}

pub(crate) fn state(id: ConsumerId, generation: Generation, plugin_key: &[u8]) -> Vec<u8> {
    key(STATE, &[&id.0.to_be_bytes(), &generation.0.to_be_bytes(), plugin_key])
}

/// The first key after all state of one generation.
pub(crate) fn end_of_state(space: StateSpace) -> Vec<u8> {
    end_of(&state(space.consumer, space.generation, &[])).expect("the tag is not the last one")
}

pub(crate) fn held(id: ConsumerId, offset: Offset) -> Vec<u8> {
    key(HELD, &[&id.0.to_be_bytes(), &offset.0.to_be_bytes()])
}

pub(crate) fn all_held(id: ConsumerId) -> Vec<u8> {
    key(HELD, &[&id.0.to_be_bytes()])
}

pub(crate) fn dead(id: ConsumerId, offset: Offset) -> Vec<u8> {
    key(DEAD, &[&id.0.to_be_bytes(), &offset.0.to_be_bytes()])
}

pub(crate) fn all_dead(id: ConsumerId) -> Vec<u8> {
    key(DEAD, &[&id.0.to_be_bytes()])
}

pub(crate) fn timer(id: ConsumerId, name: &str) -> Vec<u8> {
    key(TIMER, &[&id.0.to_be_bytes(), name.as_bytes()])
}

pub(crate) fn all_timers(id: ConsumerId) -> Vec<u8> {
    key(TIMER, &[&id.0.to_be_bytes()])
}

pub(crate) fn redrive(id: RedriveId) -> Vec<u8> {
    key(REDRIVE, &[&id.0.to_be_bytes()])
}

pub(crate) fn redrives() -> Vec<u8> {
    vec![REDRIVE]
}

pub(crate) fn redrive_results(id: RedriveId) -> Vec<u8> {
    key(REDRIVE_RESULTS, &[&id.0.to_be_bytes()])
}

pub(crate) fn all_redrive_results() -> Vec<u8> {
    vec![REDRIVE_RESULTS]
}

/// All state of a consumer, of every generation.
pub(crate) fn all_state(id: ConsumerId) -> Vec<u8> {
    key(STATE, &[&id.0.to_be_bytes()])
}

/// What a consumer leaves behind when it begins anew: its progress, held events, dead letters and timers.
pub(crate) fn of_generation(id: ConsumerId) -> [Vec<u8>; 5] {
    [CHECKPOINT, FLOOR, HELD, DEAD, TIMER].map(|tag| key(tag, &[&id.0.to_be_bytes()]))
}

/// All state of a consumer's generations before `live`, as a range.
pub(crate) fn state_before(id: ConsumerId, live: Generation) -> (Vec<u8>, Vec<u8>) {
    (state(id, Generation(0), &[]), state(id, live, &[]))
}

pub(crate) fn answer(command: Offset) -> Vec<u8> {
    key(ANSWER, &[&command.0.to_be_bytes()])
}

pub(crate) fn decided(hash: u128) -> Vec<u8> {
    key(DECIDED, &[&hash.to_be_bytes()])
}

pub(crate) fn undecided(hash: u128) -> Vec<u8> {
    key(UNDECIDED, &[&hash.to_be_bytes()])
}

pub(crate) fn last_command(command_type: &str) -> Vec<u8> {
    key(LAST_COMMAND, &[command_type.as_bytes()])
}

pub(crate) fn fact(id: ConsumerId, scope: &Scope, version: u64) -> Vec<u8> {
    // No name has a zero byte, so the versions of a scope are adjacent.
    key(FACT, &[&id.0.to_be_bytes(), scope.name().as_bytes(), &[0], &version.to_be_bytes()])
}

/// All facts of a consumer.
pub(crate) fn all_facts(id: ConsumerId) -> Vec<u8> {
    key(FACT, &[&id.0.to_be_bytes()])
}

pub(crate) fn answers() -> Vec<u8> {
    vec![ANSWER]
}

pub(crate) fn all_decided() -> Vec<u8> {
    vec![DECIDED]
}

pub(crate) fn all_undecided() -> Vec<u8> {
    vec![UNDECIDED]
}

pub(crate) fn last_commands() -> Vec<u8> {
    vec![LAST_COMMAND]
}

/// The hash at the end of a key of commands.
pub(crate) fn trailing_hash(key: &[u8]) -> Option<u128> {
    key.last_chunk().map(|bytes| u128::from_be_bytes(*bytes))
}

/// Whether a value under `key` begins with the offset until which it is known.
pub(crate) fn expires(key: &[u8]) -> bool {
    matches!(key.first(), Some(&(ANSWER | DECIDED)))
}

/// What all identities begin with.
pub(crate) fn identities() -> &'static [u8] {
    &[IDENTITY]
}

pub(crate) fn identity(hash: u128) -> [u8; 17] {
    let mut key = [IDENTITY; 17];
    let [_, rest @ ..] = &mut key;
    rest.copy_from_slice(&hash.to_be_bytes());
    key
}

/// The first key after all that begin with `prefix`; `None` if there is none.
pub(crate) fn end_of(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}

/// The offset at the end of a key of held events or dead letters.
pub(crate) fn trailing_offset(key: &[u8]) -> Option<Offset> {
    let bytes = key.last_chunk::<8>()?;
    Some(Offset(u64::from_be_bytes(*bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_skips_trailing_ff() {
        assert_eq!(end_of(&[6, 0xff, 0xff]), Some(vec![7]));
        assert_eq!(end_of(&[6, 1]), Some(vec![6, 2]));
        assert_eq!(end_of(&[0xff]), None);
    }

    #[test]
    fn state_keys_of_two_consumers_or_generations_never_mix() {
        let key = |id, generation| state(ConsumerId(id), Generation(generation), b"k");
        assert!(key(1, 9) < key(2, 1) && key(1, 1) < key(1, 2));
        assert_eq!(key(1, 1).len(), STATE_PREFIX_BYTES + 1);
    }
}
