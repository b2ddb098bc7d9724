//! A range of state has changed if a key in it was set or deleted later, or if memory no longer knows.

use camshaft_event::Sequence;
use camshaft_tables::StateRange;
use proptest::prelude::*;

use super::build::{apply, flush, new_tables, published, space, writes};

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<u8>, bool),
    Freeze,
    Flush,
}

/// Few and short keys, so that prefixes, neighbours and 0xff at the end occur.
fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(vec![0, 1, b'a', 0xfe, 0xff]), 0..4)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (key(), any::<bool>()).prop_map(|(key, is_set)| Step::Write(key, is_set)),
        1 => Just(Step::Freeze),
        1 => Just(Step::Flush),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_range_has_changed_if_one_of_its_keys_has(
        steps in prop::collection::vec(step(), 1..40),
        prefix in key(),
        after in prop::option::of(key()),
        end in prop::option::of(key()),
        since in 0_u64..40,
    ) {
        let mut tables = new_tables();
        let mut changes = Vec::new();
        for step in steps {
            match step {
                Step::Write(key, is_set) => {
                    apply(&mut tables, writes(1, &[(&key, is_set.then_some(&b"v"[..]))]));
                    changes.push((tables.progress().sequence, key));
                    // Another generation's entries lie right beside them.
                    apply(&mut tables, writes(2, &[(b"", Some(b"other"))]));
                }
                Step::Freeze => _ = tables.freeze([]),
                Step::Flush if tables.is_flushing() => _ = tables.flushed(),
                Step::Flush => {}
            }
        }
        let last = end.map(|end| [prefix.clone(), end].concat());
        let whole = StateRange::under(&prefix, after.as_deref());
        let range = last.iter().fold(whole, |range, last| range.up_to(last));
        let is_within = |key: &Vec<u8>| {
            key.starts_with(&prefix)
                && after.as_ref().is_none_or(|after| key > after)
                && last.as_ref().is_none_or(|last| key <= last)
        };
        let since = Sequence(since.min(tables.progress().sequence.0));
        let has_changed = changes.iter().any(|(at, key)| *at > since && is_within(key));
        let found = tables.may_have_changed(space(1), &[range], since);
        prop_assert!(found || !has_changed, "a change is not found");
        if tables.snapshot().sequence <= since {
            prop_assert_eq!(found, has_changed);
        }
    }
}

#[test]
fn a_deletion_that_has_been_flushed_counts_as_a_change() {
    let mut tables = new_tables();
    apply(&mut tables, writes(1, &[(b"k", Some(b"v"))]));
    apply(&mut tables, writes(1, &[(b"k", None)]));
    flush(&mut tables);
    let whole = [StateRange::default()];
    assert!(tables.may_have_changed(space(1), &whole, Sequence(1)));
    assert!(!tables.may_have_changed(space(1), &whole, Sequence(2)));
    assert!(!tables.may_have_changed(space(1), &[], Sequence(1)), "nothing was scanned");
}

#[test]
fn ranges_with_more_entries_in_memory_than_one_search_visits_count_as_changed() {
    let mut tables = new_tables();
    let keys: Vec<_> = (0..4_097).map(|number| format!("k{number:04}")).collect();
    let written: Vec<_> = keys.iter().map(|key| (key.as_bytes(), Some(&b"v"[..]))).collect();
    apply(&mut tables, writes(1, &written));
    apply(&mut tables, published(&["a"]));
    let since = tables.progress().sequence;
    let [most, last] = [StateRange::under(b"k", None).up_to(b"k4095"), StateRange::under(b"k4096", None)];
    assert!(!tables.may_have_changed(space(1), std::slice::from_ref(&most), since));
    assert!(tables.may_have_changed(space(1), &[most, last], since));
}
