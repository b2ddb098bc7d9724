//! The store on disk keeps the promises of a store, and what it was given.

use std::error::Error;
use std::fs;

use camshaft_tables::store::conformance::{self, contents, write};
use camshaft_tables::store::{HeedStore, Store, StoreError};
use tempfile::TempDir;

#[test]
fn the_store_on_disk_keeps_every_promise() {
    let folder = TempDir::new().unwrap();
    let mut opened = 0;
    conformance::check_all(|| {
        opened += 1;
        Box::new(HeedStore::open(&folder.path().join(opened.to_string())).unwrap())
    });
}

#[test]
fn what_was_written_is_there_after_reopening() {
    let folder = TempDir::new().unwrap();
    let store = HeedStore::open(folder.path()).unwrap();
    write(&store, &[(b"a", Some(b"1")), (b"b", Some(b"2"))]);
    write(&store, &[(b"a", None), (b"c", Some(b"3"))]);
    let before = contents(&store);
    drop(store);

    let store = HeedStore::open(folder.path()).unwrap();
    assert_eq!(contents(&store), before);
    assert_eq!(before.len(), 2);
}

#[test]
fn a_batch_larger_than_its_memory_is_written_whole() {
    // About 100 MB of pages in one batch, half as much again as LMDB keeps in memory; then all of it anew.
    let folder = TempDir::new().unwrap();
    let store = HeedStore::open(folder.path()).unwrap();
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
fn a_store_that_is_open_is_not_opened_again() {
    let folder = TempDir::new().unwrap();
    let _store = HeedStore::open(folder.path()).unwrap();
    assert!(matches!(HeedStore::open(folder.path()), Err(StoreError::Failed { .. })));
}

#[test]
fn a_file_that_is_no_store_is_refused_by_name() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("data.mdb"), vec![b'x'; 100_000]).unwrap();
    let Err(refused) = HeedStore::open(folder.path()) else { panic!("a text file was opened as a store") };
    let message = refused.to_string();
    assert!(message.starts_with("could not open the store at '"), "{message}");
    assert!(message.contains(&*folder.path().to_string_lossy()), "{message}");
    assert!(refused.source().is_some());
}
