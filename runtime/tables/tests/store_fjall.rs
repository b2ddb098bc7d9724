//! The store on disk keeps the promises of a store, and what it was given.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use camshaft_tables::store::conformance::{self, contents, write};
use camshaft_tables::store::{FjallStore, Store, StoreError};
use tempfile::TempDir;

const CACHE_BYTES: u64 = 1 << 20;

fn open(folder: &Path) -> FjallStore {
    FjallStore::open(folder, CACHE_BYTES).expect("the store opens")
}

#[test]
fn the_store_on_disk_keeps_every_promise() {
    let folder = TempDir::new().unwrap();
    let mut opened = 0;
    conformance::check_all(|| {
        opened += 1;
        Box::new(open(&folder.path().join(opened.to_string())))
    });
}

#[test]
fn what_was_written_last_is_there_after_each_reopening() {
    let folder = TempDir::new().unwrap();
    for round in 0..8_u8 {
        let store = open(folder.path());
        let gone = [b'k', round];
        write(&store, &[(b"a", Some(&[round])), (b"b", None), (&gone, Some(b"here"))]);
        write(&store, &[(b"b", Some(&[round, round])), (&gone, None)]);
        let before = contents(&store);
        assert_eq!(before.len(), 2);
        drop(store);

        let store = open(folder.path());
        assert_eq!(contents(&store), before);
        assert_eq!(store.get(b"a").unwrap(), Some(vec![round]));
        assert_eq!(store.get(b"b").unwrap(), Some(vec![round, round]));
    }
}

#[test]
fn a_refused_batch_leaves_no_table_behind() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    write(&store, &[(b"a", Some(b"1"))]);
    let tables = tables_in(folder.path());
    let too_long = vec![b'k'; store.max_key_bytes() + 1];
    for _ in 0..3 {
        let refused = store.write(&mut [(&b"b"[..], Some(&b"2"[..])), (&too_long, None)].into_iter());
        assert!(matches!(refused, Err(StoreError::KeyLength { .. })), "{refused:?}");
    }
    assert_eq!(contents(&store).len(), 1);
    assert_eq!(tables_in(folder.path()), tables);
}

/// The files that hold entries, a table each.
fn tables_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the folder has entries").path())
        .flat_map(|path| if path.is_dir() { tables_in(&path) } else { vec![path] })
        .filter(|path| path.parent().is_some_and(|parent| parent.ends_with("tables")))
        .collect();
    files.sort();
    files
}

#[test]
fn a_batch_of_several_tables_is_written_whole() {
    // About 100 MB in one batch, more than one table holds; then all of it anew.
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let keys: Vec<[u8; 4]> = (0..50_000_u32).map(u32::to_be_bytes).collect();
    for round in [1_u8, 2] {
        let value = [round; 2_000];
        store.write(&mut keys.iter().map(|key| (&key[..], Some(&value[..])))).unwrap();
        let entries = contents(&store);
        assert_eq!(entries.len(), keys.len());
        assert!(entries.values().all(|found| found == &value));
    }
}

#[test]
fn merges_leave_out_what_has_expired() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let key = |round: u32, n: u32| [n.to_be_bytes(), round.to_be_bytes()].concat();
    // Each round is a batch over all keys, as identities of events are, and expires twenty rounds later.
    for round in 0..200_u32 {
        let keys: Vec<Vec<u8>> = (0..1_000).map(|n| key(round, n)).collect();
        let value = round.to_be_bytes();
        store.write(&mut keys.iter().map(|key| (&key[..], Some(&value[..])))).unwrap();
        store.expire(Arc::new(move |_, value| {
            value.try_into().is_ok_and(|written| u32::from_be_bytes(written) + 20 < round)
        }));
    }
    let entries = contents(&store);
    for round in 179..200 {
        assert!((0..1_000).all(|n| entries.contains_key(&key(round, n))), "round {round} has not expired");
    }
    let rounds = entries.len().div_ceil(1_000);
    assert!(rounds < 60, "{rounds} of 200 rounds are still there");
}

#[test]
fn a_store_that_is_open_is_not_opened_again() {
    let folder = TempDir::new().unwrap();
    let _store = open(folder.path());
    assert!(matches!(FjallStore::open(folder.path(), CACHE_BYTES), Err(StoreError::Failed { .. })));
}

#[test]
fn a_folder_of_another_format_is_refused_by_name() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("version"), b"no version of ours").unwrap();
    let Err(refused) = FjallStore::open(folder.path(), CACHE_BYTES) else {
        panic!("a folder of another format was opened")
    };
    let message = refused.to_string();
    assert!(message.starts_with("could not open the store at '"), "{message}");
    assert!(message.contains(&*folder.path().to_string_lossy()), "{message}");
    assert!(refused.source().is_some());
}
