//! Whatever is written in whatever order, every store answers like a plain map.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use camshaft_tables::store::{FjallStore, MemoryStore, Store};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use tempfile::TempDir;

type Bytes = Vec<u8>;

/// Few and short keys, so that batches meet each other's.
fn key() -> impl Strategy<Value = Bytes> {
    vec(prop_oneof![Just(0_u8), Just(1), Just(255)], 1..4)
}

fn batches() -> impl Strategy<Value = Vec<BTreeMap<Bytes, Option<Bytes>>>> {
    let value = proptest::option::weighted(0.7, vec(any::<u8>(), 0..200));
    vec(btree_map(key(), value, 0..20), 1..8)
}

fn check(store: &dyn Store, batches: &[BTreeMap<Bytes, Option<Bytes>>], from: &[u8], until: &[u8]) {
    let mut model = BTreeMap::new();
    for batch in batches {
        store
            .write(&mut batch.iter().map(|(key, value)| (&key[..], value.as_deref())))
            .expect("the store writes");
        for (key, value) in batch {
            match value {
                Some(value) => model.insert(key.clone(), value.clone()),
                None => model.remove(key),
            };
            assert_eq!(store.get(key).expect("the store reads").as_ref(), model.get(key));
        }
    }
    let mut found = Vec::new();
    store
        .scan(from, Some(until), &mut |key, value| {
            found.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .expect("the store scans");
    let expected: Vec<(Bytes, Bytes)> =
        model.into_iter().filter(|(key, _)| from <= key.as_slice() && key.as_slice() < until).collect();
    assert_eq!(found, expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_store_answers_like_a_plain_map(batches in batches(), from in key(), until in key()) {
        check(&MemoryStore::new(), &batches, &from, &until);
        let folder = TempDir::new().unwrap();
        check(&FjallStore::open(folder.path(), 1 << 20).unwrap(), &batches, &from, &until);
    }
}
