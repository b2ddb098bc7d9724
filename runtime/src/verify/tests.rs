//! The check of kept facts, in a data directory that a trimmed log has left.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use camshaft_event::transaction::{EncodedEvents, Published, Section};
use camshaft_event::{Event, Offset, Transaction};
use camshaft_log::{FileLog, Kept, Log as _, NewKept, NewRecord, Options, RealDisk};
use tempfile::TempDir;

use super::*;

const FILE: &str = "00000000000000000000-00000000000000000001.kept";

/// A log with one event, of which there is a kept copy.
fn data() -> TempDir {
    let data = TempDir::new().unwrap();
    let disk = Arc::new(RealDisk::open(data.path().join("log")).unwrap());
    let options = Options { identity: 5, first_offset: 0, ..Options::default() };
    let (mut log, _) = FileLog::open(Arc::clone(&disk) as _, options).unwrap();
    let section = Section::Published(Published { events: vec![Event::default()] });
    let payload = Transaction { sections: vec![section], ..Transaction::default() }.encode();
    log.append(0, NewRecord { first_offset: 0, count: 1, timestamp_ms: 1, payload: &payload }).unwrap();
    let kept = Kept::open(Arc::new(disk.folder(KEPT).unwrap()), 5).unwrap();
    let mut writer = kept.writer(0);
    for found in EncodedEvents::of(&payload, Offset(0)).unwrap() {
        let (offset, event) = found.unwrap();
        writer.push(NewKept { offset: offset.0, timestamp_ms: 1, bytes: event.bytes() }).unwrap();
    }
    writer.finish(1).unwrap();
    Box::new(log).close().unwrap();
    data
}

fn check(data: &Path) -> VerifyReport {
    verify(data, &mut |_, _| {}).unwrap()
}

#[test]
fn kept_facts_are_checked_with_the_log() {
    let data = data();
    let report = check(data.path());
    assert_eq!((report.sound, report.records, report.facts), (true, 1, 1));
}

#[test]
fn a_damaged_kept_fact_is_named_with_its_file_and_offset() {
    let data = data();
    let file = data.path().join("log").join(KEPT).join(FILE);
    let mut bytes = fs::read(&file).unwrap();
    bytes[64 + 28] ^= 1;
    fs::write(&file, bytes).unwrap();
    let report = check(data.path());
    assert_eq!((report.sound, report.facts, report.damage.len()), (false, 0, 1));
    let Finding { place, position, found, .. } = &report.damage[0];
    assert_eq!((place.as_str(), *position), (format!("log/kept/{FILE}").as_str(), Some(64)));
    assert_eq!(found, "the checksum of an entry does not match; facts at offsets 0 to 0 are lost");
}
