//! Memory and store read as one ordered keyspace, wherever each entry happens to lie.

use std::collections::BTreeMap;

use camshaft_tables::PortionBounds;
use proptest::prelude::*;

use super::build::{apply, entries, flush, new_tables, space, writes};

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<u8>, Option<Vec<u8>>),
    Freeze,
    /// Writes what is frozen, and lets go of it if the flag says so.
    Flush(bool),
}

/// Few and short keys, so that prefixes, neighbours and 0xff at the end occur.
fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(vec![0, 1, b'a', 0xfe, 0xff]), 0..4)
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop::option::weighted(0.7, prop::collection::vec(any::<u8>(), 0..3));
    prop_oneof![
        8 => (key(), value).prop_map(|(key, value)| Step::Write(key, value)),
        1 => Just(Step::Freeze),
        1 => any::<bool>().prop_map(Step::Flush),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_scan_is_what_a_map_would_say(
        steps in prop::collection::vec(step(), 0..60),
        prefix in key(),
        after in prop::option::of(key()),
        max in 0_usize..8,
    ) {
        let mut tables = new_tables();
        let (mut model, mut frozen) = (BTreeMap::new(), None);
        for step in steps {
            match step {
                Step::Write(key, value) => {
                    apply(&mut tables, writes(1, &[(&key, value.as_deref())]));
                    // Another generation's entries lie right beside them.
                    apply(&mut tables, writes(2, &[(&key, Some(b"other"))]));
                    match value {
                        Some(value) => model.insert(key, value),
                        None => model.remove(&key),
                    };
                }
                Step::Freeze => frozen = tables.freeze([]).or(frozen),
                Step::Flush(lets_go) => {
                    if let Some(written) = &frozen {
                        written.write(tables.store().as_ref()).unwrap();
                        if lets_go {
                            frozen = None;
                            tables.flushed().unwrap();
                        }
                    }
                }
            }
        }
        let found = entries(&tables, space(1), &prefix, after.as_deref(), max);
        let found: Vec<_> = found.into_iter().map(|(key, found)| (key, found.value)).collect();
        let expected: Vec<_> = model
            .iter()
            .filter(|(key, _)| key.starts_with(&prefix) && after.as_ref().is_none_or(|after| *key > after))
            .take(max)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        prop_assert_eq!(found, expected);
        let mut portions = Vec::new();
        let mut from = after.clone();
        loop {
            let bounds = PortionBounds { entries: max.max(1), bytes: 4 };
            let portion = tables.state_portion(space(1), &prefix, from.as_deref(), bounds).unwrap();
            let sizes = portion.entries.iter().map(|(key, found)| key.len() + found.value.len());
            let before_last = sizes.rev().skip(1).sum::<usize>();
            prop_assert!(portion.entries.len() <= bounds.entries && before_last < bounds.bytes);
            portions.extend(portion.entries.into_iter().map(|(key, found)| (key, found.value)));
            match portion.after {
                Some(next) => from = Some(next),
                None => break,
            }
        }
        let whole = model
            .iter()
            .filter(|(key, _)| key.starts_with(&prefix) && after.as_ref().is_none_or(|after| *key > after));
        prop_assert_eq!(portions, whole.map(|(key, value)| (key.clone(), value.clone())).collect::<Vec<_>>());
        for (key, value) in &model {
            prop_assert_eq!(&tables.state(space(1), key).unwrap().unwrap().value, value);
        }
    }
}

#[test]
fn a_value_carries_the_transaction_that_wrote_it() {
    let mut tables = new_tables();
    for _ in 0..3 {
        apply(&mut tables, writes(1, &[(b"k", Some(b"same"))]));
        let version = tables.state(space(1), b"k").unwrap().unwrap().version;
        assert_eq!(version, tables.progress().sequence);
    }
    flush(&mut tables);
    assert!(tables.recent_state(space(1), b"k").is_none(), "memory does not know");
    assert_eq!(tables.state(space(1), b"k").unwrap().unwrap().version.0, 3);
}

#[test]
fn a_scan_from_behind_its_prefix_finds_nothing() {
    let mut tables = new_tables();
    apply(&mut tables, writes(1, &[(b"a", Some(b"1")), (b"b", Some(b"2"))]));
    assert!(entries(&tables, space(1), b"a", Some(b"b"), 9).is_empty());
    assert!(entries(&tables, space(1), b"a", Some(&[0xff; 8]), 9).is_empty());
}

#[test]
fn a_portion_ends_after_so_many_deleted_keys_and_says_where_the_next_one_begins() {
    let mut tables = new_tables();
    let keys: Vec<_> = (0..5_000).map(|number| format!("k{number:04}")).collect();
    let deleted: Vec<_> = keys.iter().map(|key| (key.as_bytes(), None)).collect();
    apply(&mut tables, writes(1, &deleted));
    apply(&mut tables, writes(1, &[(b"z", Some(b"1"))]));
    let bounds = PortionBounds { entries: 1, bytes: 1 };
    let first = tables.state_portion(space(1), b"", None, bounds).unwrap();
    assert_eq!((first.entries.len(), first.after.as_deref()), (0, Some(b"k4095".as_slice())));
    let second = tables.state_portion(space(1), b"", first.after.as_deref(), bounds).unwrap();
    assert_eq!((second.entries.len(), second.after.as_deref()), (1, Some(b"z".as_slice())));
}

#[test]
fn a_portion_of_large_values_ends_at_its_bytes() {
    let mut tables = new_tables();
    for key in [b"a", b"b", b"c"] {
        apply(&mut tables, writes(1, &[(key, Some(&[7; 1_000]))]));
    }
    let bounds = PortionBounds { entries: 64, bytes: 1_500 };
    let portion = tables.state_portion(space(1), b"", None, bounds).unwrap();
    assert_eq!((portion.entries.len(), portion.after.as_deref()), (2, Some(b"b".as_slice())));
}
