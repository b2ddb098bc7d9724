//! What every store must do, as functions that panic where one does not. Each implementation's test runs them
//! all.
//!
//! They cover what one process can see; durability after a kill is measured by `camshaft-bench store`.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{Change, Store, StoreError};

/// A promise: its name, and a check that takes an empty store.
pub type Promise = (&'static str, fn(&dyn Store));

/// All promises of [`Store`] that hold while the process lives.
pub const PROMISES: &[Promise] = &[
    ("an absent key has no value", an_absent_key_has_no_value),
    ("a batch sets, replaces and deletes", a_batch_sets_replaces_and_deletes),
    ("an empty value is a value", an_empty_value_is_a_value),
    ("a large value comes back whole", a_large_value_comes_back_whole),
    ("an empty batch changes nothing", an_empty_batch_changes_nothing),
    ("a scan is ascending between its bounds", a_scan_is_ascending_between_its_bounds),
    ("a scan stops when told to", a_scan_stops_when_told_to),
    ("a scan between crossed bounds visits nothing", a_scan_between_crossed_bounds_visits_nothing),
    ("keys of any bytes up to the limit are kept", keys_of_any_bytes_up_to_the_limit_are_kept),
    ("a key over the limit is never found", a_key_over_the_limit_is_never_found),
    ("a batch with a bad key leaves no trace", a_batch_with_a_bad_key_leaves_no_trace),
    ("a scan beside a writer sees whole batches", a_scan_beside_a_writer_sees_whole_batches),
    ("what has not expired stays", what_has_not_expired_stays),
];

/// Runs every promise, each on an empty store made by `empty`.
///
/// # Panics
///
/// When a promise is broken; its name is printed before it runs.
pub fn check_all(mut empty: impl FnMut() -> Box<dyn Store>) {
    for (name, promise) in PROMISES {
        println!("promise: {name}");
        promise(&*empty());
    }
}

/// Writes `batch` in the given order.
///
/// # Panics
///
/// When the store refuses.
pub fn write(store: &dyn Store, batch: &[Change<'_>]) {
    store.write(&mut batch.iter().copied()).expect("the store takes the batch");
}

/// All entries of the store.
///
/// # Panics
///
/// When the scan fails or does not ascend.
pub fn contents(store: &dyn Store) -> BTreeMap<Vec<u8>, Vec<u8>> {
    range(store, b"", None).into_iter().collect()
}

fn range(store: &dyn Store, from: &[u8], until: Option<&[u8]>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut entries: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    store
        .scan(from, until, &mut |key, value| {
            assert!(entries.last().is_none_or(|(before, _)| before.as_slice() < key), "a scan ascends");
            entries.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .expect("the store can be scanned");
    entries
}

fn get(store: &dyn Store, key: &[u8]) -> Option<Vec<u8>> {
    store.get(key).expect("the store can be read")
}

fn an_absent_key_has_no_value(store: &dyn Store) {
    assert_eq!(get(store, b"a"), None);
    assert!(contents(store).is_empty());
}

fn a_batch_sets_replaces_and_deletes(store: &dyn Store) {
    write(store, &[(b"a", Some(b"1")), (b"b", Some(b"2"))]);
    write(store, &[(b"a", None), (b"b", Some(b"3")), (b"c", Some(b"4")), (b"d", None)]);
    assert_eq!(get(store, b"a"), None);
    assert_eq!(get(store, b"b").as_deref(), Some(&b"3"[..]));
    assert_eq!(get(store, b"c").as_deref(), Some(&b"4"[..]));
    assert_eq!(contents(store).len(), 2);
}

fn an_empty_value_is_a_value(store: &dyn Store) {
    write(store, &[(b"a", Some(b""))]);
    assert_eq!(get(store, b"a").as_deref(), Some(&b""[..]));
}

fn a_large_value_comes_back_whole(store: &dyn Store) {
    let large: Vec<u8> = (0..5_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    write(store, &[(b"a", Some(b"1")), (b"b", Some(&large)), (b"c", Some(b"2"))]);
    assert_eq!(get(store, b"b"), Some(large));
    assert_eq!(get(store, b"c").as_deref(), Some(&b"2"[..]));
}

fn an_empty_batch_changes_nothing(store: &dyn Store) {
    write(store, &[(b"a", Some(b"1"))]);
    write(store, &[]);
    assert_eq!(contents(store).len(), 1);
}

fn a_scan_is_ascending_between_its_bounds(store: &dyn Store) {
    let keys: [&[u8]; 6] = [b"\x00", b"\x01", b"\x01\x00", b"\x01\xff", b"\x02", b"\xff"];
    write(store, &keys.map(|key| (key, Some(key))));
    let found = |from: &[u8], until: Option<&[u8]>| -> Vec<Vec<u8>> {
        range(store, from, until).into_iter().map(|(key, _)| key).collect()
    };
    assert_eq!(found(b"", None), keys);
    assert_eq!(found(b"\x01", Some(b"\x02")), [&b"\x01"[..], b"\x01\x00", b"\x01\xff"]);
    assert_eq!(found(b"\x01\x01", None), [&b"\x01\xff"[..], b"\x02", b"\xff"]);
    assert_eq!(found(b"\xff\x00", None), [[0_u8; 0]; 0]);
}

fn a_scan_stops_when_told_to(store: &dyn Store) {
    write(store, &[(b"a", Some(b"1")), (b"b", Some(b"2")), (b"c", Some(b"3"))]);
    let mut seen = Vec::new();
    store
        .scan(b"", None, &mut |key, _| {
            seen.push(key.to_vec());
            if key == b"b" { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .expect("the store can be scanned");
    assert_eq!(seen, [b"a", b"b"]);
}

fn a_scan_between_crossed_bounds_visits_nothing(store: &dyn Store) {
    write(store, &[(b"a", Some(b"1")), (b"b", Some(b"2"))]);
    assert_eq!(range(store, b"b", Some(b"a")), []);
    assert_eq!(range(store, b"a", Some(b"a")), []);
    assert_eq!(range(store, b"", Some(b"")), []);
}

fn keys_of_any_bytes_up_to_the_limit_are_kept(store: &dyn Store) {
    let longest = vec![0xff; store.max_key_bytes()];
    write(store, &[(b"\x00", Some(b"zero")), (&longest, Some(b"longest"))]);
    assert_eq!(get(store, b"\x00").as_deref(), Some(&b"zero"[..]));
    assert_eq!(get(store, &longest).as_deref(), Some(&b"longest"[..]));
    assert_eq!(range(store, &longest, None).len(), 1);
}

fn a_key_over_the_limit_is_never_found(store: &dyn Store) {
    let longest = vec![b'k'; store.max_key_bytes()];
    let too_long = vec![b'k'; store.max_key_bytes() + 1];
    write(store, &[(&longest, Some(b"1")), (b"l", Some(b"2"))]);
    assert_eq!(get(store, &too_long), None);
    assert_eq!(get(store, b""), None);
    // As a bound it is a place between keys like any other.
    assert_eq!(range(store, &too_long, None).len(), 1);
    assert_eq!(range(store, b"", Some(&too_long)).len(), 1);
}

fn a_batch_with_a_bad_key_leaves_no_trace(store: &dyn Store) {
    write(store, &[(b"a", Some(b"1"))]);
    let too_long = vec![b'k'; store.max_key_bytes() + 1];
    let batches: [&[Change<'_>]; 3] = [
        &[(b"a", Some(b"2")), (&too_long, Some(b"3"))],
        &[(b"a", None), (&too_long, None)],
        &[(b"", Some(b"4")), (b"b", Some(b"5"))],
    ];
    for batch in batches {
        let refused = store.write(&mut batch.iter().copied());
        assert!(matches!(refused, Err(StoreError::KeyLength { .. })), "{refused:?}");
    }
    assert_eq!(contents(store), BTreeMap::from([(b"a".to_vec(), b"1".to_vec())]));
}

fn a_scan_beside_a_writer_sees_whole_batches(store: &dyn Store) {
    const ROUNDS: u32 = 50;
    let keys: Vec<[u8; 4]> = (0..500_u32).map(u32::to_be_bytes).collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1..=ROUNDS {
                let value = round.to_be_bytes();
                store
                    .write(&mut keys.iter().map(|key| (&key[..], Some(&value[..]))))
                    .expect("the store writes");
            }
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) {
            let entries = range(store, b"", None);
            assert!(entries.is_empty() || entries.len() == keys.len());
            assert!(entries.windows(2).all(|pair| pair[0].1 == pair[1].1), "a scan saw half a batch");
        }
    });
    assert_eq!(get(store, &keys[7]).as_deref(), Some(&ROUNDS.to_be_bytes()[..]));
}

fn what_has_not_expired_stays(store: &dyn Store) {
    for round in 0..10_u8 {
        // Round by round, what was odd in the last one expires, and its keys are set anew.
        let keys: Vec<[u8; 2]> = (0..=u8::MAX).map(|key| [b'k', key]).collect();
        let values: Vec<[u8; 2]> = (0..=u8::MAX).map(|key| [round, key % 2]).collect();
        let batch: Vec<Change<'_>> =
            keys.iter().zip(&values).map(|(key, value)| (&key[..], Some(&value[..]))).collect();
        write(store, &batch);
        store.expire(Arc::new(move |key, value| key[0] == b'k' && value[0] <= round && value[1] == 1));
        write(store, &[(&[b'l', round], Some(&[round, 1]))]);
        for (key, value) in keys.iter().zip(&values) {
            let found = get(store, key);
            let is_expired = value[1] == 1;
            assert!(
                found.as_deref() == Some(value) || is_expired,
                "{key:?} holds {found:?} in round {round}"
            );
        }
        assert!((0..=round).all(|before| get(store, &[b'l', before]).is_some()));
    }
}
