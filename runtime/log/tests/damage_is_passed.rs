//! Damage to an old record costs that record: the ones before and behind it are read, and a check of the
//! whole log finds each damaged place and changes nothing.

use std::sync::Arc;

use camshaft_log::testing::sample::{Sample, append_until, time_at};
use camshaft_log::testing::{MemoryDisk, Random};
use camshaft_log::{
    Disk as _, FileLog, Log, LogError, LogReader, NextRecord, Options, Verified, Verify, record_bytes, verify,
};

const FIRST_SEGMENT: &str = "00000000000000000001.segment";
const SEGMENT_BYTES: u64 = 4096;
const RECORDS: u64 = 200;

/// Many segments, closed cleanly.
fn closed_log() -> MemoryDisk {
    let disk = MemoryDisk::new();
    let mut log = open(&disk);
    append_until(&mut log, RECORDS);
    Box::new(log).close().expect("the log closes");
    disk
}

/// Opens it as a runtime does whose snapshot goes up to the last record.
fn open(disk: &MemoryDisk) -> FileLog {
    let options =
        Options { segment_bytes: SEGMENT_BYTES, verify_from: Some(RECORDS + 1), ..Options::default() };
    let options = if disk.list().is_ok_and(|names| names.is_empty()) {
        Options { verify_from: None, ..options }
    } else {
        options
    };
    FileLog::open(Arc::new(disk.clone()), options).expect("the log opens").0
}

/// The file of the second segment, and its first sequence.
fn second_segment(disk: &MemoryDisk) -> (String, u64) {
    let names = disk.list().expect("the disk works");
    let name = names.into_iter().filter(|name| name.ends_with(".segment")).nth(1).expect("there are many");
    let first = name.trim_end_matches(".segment").parse().expect("a sequence");
    (name, first)
}

/// Where a record of the segment starts.
fn position_of(first: u64, sequence: u64) -> usize {
    let before =
        (first..sequence).map(|earlier| record_bytes(Sample::at(earlier).payload.len())).sum::<u64>();
    usize::try_from(64 + before).expect("a small number")
}

fn first_offset(sequence: u64) -> u64 {
    Sample::at(sequence).record(sequence).first_offset
}

/// Reads the samples of a range, and no further.
fn check_range(reader: &dyn LogReader, first_sequence: u64, last_sequence: u64) {
    let mut expected = first_sequence;
    while expected <= last_sequence {
        let batch = reader.read_from(expected, 5000).expect("the records are sound");
        for record in batch.iter() {
            let sample = Sample::at(record.sequence);
            assert_eq!((record.sequence, record.payload), (expected, sample.payload.as_slice()));
            expected += 1;
        }
    }
}

fn is_damage<T>(found: &Result<T, LogError>) -> bool {
    matches!(found, Err(LogError::Corrupt { .. }))
}

fn check(disk: &MemoryDisk) -> Verified {
    let (mut records, mut bytes) = (0, 0);
    let what = Verify {
        durable: 0,
        each: &mut |_| {
            records += 1;
            Ok(())
        },
        progress: &mut |more| bytes += more,
    };
    let operations = disk.operations();
    let verified = verify(disk, what).expect("the directory can be read");
    assert_eq!(disk.operations(), operations, "a check changes nothing");
    assert_eq!(verified.records, records, "each whole record is shown");
    assert_eq!(bytes, verified.segments * SEGMENT_BYTES, "progress tells all bytes");
    verified
}

#[test]
fn only_the_damaged_record_is_lost() {
    let sound = closed_log();
    let (name, first) = second_segment(&sound);
    // One with an event and a payload.
    let has_both =
        |sequence: &u64| Sample::at(*sequence).count == 1 && Sample::at(*sequence).payload.len() > 8;
    let damaged = (first + 3..).find(has_both).expect("there are many");
    // In its header: length, payload checksum, sequence, count, header checksum; in its payload.
    for byte in [0, 4, 8, 40, 44, 48, 55] {
        let disk = sound.after_kill();
        let position = position_of(first, damaged) + byte;
        disk.edit(&name, |bytes| bytes[position] ^= 1);
        let log = open(&disk);
        let reader = log.reader();
        let before = reader.read_from(first, 1 << 20).expect("the records before it are whole");
        assert_eq!(before.iter().last().map(|record| record.sequence), Some(damaged - 1), "byte {byte}");
        let refused = reader.read_from(damaged, 1).expect_err("a damaged record is not read");
        let LogError::Corrupt { file, position, .. } = refused else { panic!("it is damage: {refused}") };
        assert_eq!((file, position), (name.clone(), position_of(first, damaged) as u64));
        let next = NextRecord { sequence: damaged + 1, first_offset: first_offset(damaged + 1) };
        let found = reader.next_readable(first_offset(damaged)).expect("the file can be read");
        assert_eq!(found, next, "byte {byte}");
        check_range(&*reader, 1, damaged - 1);
        check_range(&*reader, damaged + 1, RECORDS);
        let found = reader.find_offset(first_offset(damaged));
        assert!(matches!(&found, Ok(Some(found)) if *found == damaged) || is_damage(&found), "{found:?}");
        let behind = reader.find_offset(first_offset(damaged + 1)).expect("its header is whole");
        assert_eq!(behind, Some(damaged + 1), "byte {byte}");
        let found = reader.find_time(time_at(damaged)).expect("damage is passed");
        assert!(found == damaged || found == damaged + 1, "byte {byte}: {found}");
        let behind = reader.find_time(time_at(damaged + 1)).expect("damage is passed");
        assert_eq!(behind, damaged + 1, "byte {byte}");

        let verified = check(&disk);
        assert_eq!((verified.records, verified.last_sequence), (RECORDS - 1, RECORDS));
        let [damage] = verified.damage.as_slice() else { panic!("one place is damaged: {verified:?}") };
        assert_eq!(
            (damage.file.as_str(), damage.position),
            (name.as_str(), position_of(first, damaged) as u64)
        );
        assert_eq!(damage.sequence, Some(damaged));
        assert_eq!(damage.offsets, Some((first_offset(damaged), first_offset(damaged + 1))));
    }
}

#[test]
fn the_next_readable_record_is_whole() {
    let disk = closed_log();
    let (name, first) = second_segment(&disk);
    let damaged = (first + 3..).find(|sequence| Sample::at(*sequence).count == 1).expect("there are many");
    for sequence in [damaged, damaged + 1] {
        disk.edit(&name, |bytes| bytes[position_of(first, sequence) + 48] ^= 1);
    }
    let log = open(&disk);
    let next = NextRecord { sequence: damaged + 2, first_offset: first_offset(damaged + 2) };
    let found = log.reader().next_readable(first_offset(damaged)).expect("the file can be read");
    assert_eq!(found, next);
}

#[test]
fn a_damaged_header_of_an_older_segment_costs_nothing() {
    let disk = closed_log();
    for name in [FIRST_SEGMENT.to_owned(), second_segment(&disk).0] {
        only_its_header_is_damaged(&closed_log(), &name);
    }
}

fn only_its_header_is_damaged(disk: &MemoryDisk, name: &str) {
    let sound = disk.bytes(name);
    for byte in 0..64 {
        disk.edit(name, |bytes| {
            bytes.clone_from(&sound);
            bytes[byte] ^= 1;
        });
        let log = open(disk);
        check_range(&*log.reader(), 1, RECORDS);
        assert_eq!(log.reader().bounds().first_offset, first_offset(1));
        let verified = check(disk);
        assert_eq!((verified.records, verified.damage.len()), (RECORDS, 1), "byte {byte}: {verified:?}");
        assert_eq!((verified.damage[0].file.as_str(), verified.damage[0].position), (name, 0));
    }
}

#[test]
fn a_damaged_first_block_of_an_older_segment_costs_the_records_in_it() {
    let disk = closed_log();
    let (name, first) = second_segment(&disk);
    disk.edit(&name, |bytes| bytes[..512].fill(0));
    let log = open(&disk);
    let reader = log.reader();
    check_range(&*reader, 1, first - 1);
    assert!(reader.read_from(first, 1).is_err());
    let next = reader.next_readable(first_offset(first)).expect("the file can be read");
    assert!(next.sequence > first && next.sequence < first + 10, "{next:?}");
    check_range(&*reader, next.sequence, RECORDS);
    assert_eq!(check(&disk).damage.len(), 2, "the header, and the records behind it");
}

#[test]
fn a_damaged_first_block_of_the_oldest_segment_costs_the_records_in_it() {
    let disk = closed_log();
    disk.edit(FIRST_SEGMENT, |bytes| bytes[..512].fill(0));
    let log = open(&disk);
    let reader = log.reader();
    let begin = reader.bounds().first_offset;
    let first = reader.find_offset(begin).expect("its header is whole").expect("it is there");
    assert!((2..10).contains(&first) && begin == first_offset(first), "{first} {begin}");
    check_range(&*reader, first, RECORDS);
    assert!(matches!(reader.find_offset(begin - 1), Err(LogError::Trimmed { .. })), "what is lost is told");
    assert_eq!(check(&disk).damage.len(), 2, "the header, and the records behind it");
}

#[test]
fn the_header_of_the_newest_segment_is_needed() {
    for keeps in [1, usize::MAX] {
        let disk = closed_log();
        let names = disk.list().expect("the disk works");
        let mut names: Vec<_> = names.into_iter().filter(|name| name.ends_with(".segment")).collect();
        names.sort();
        // The only one is the newest, too.
        names.iter().skip(keeps).for_each(|name| disk.remove(name).expect("it is there"));
        names.truncate(keeps);
        let newest = names.last().expect("one is left");
        disk.edit(newest, |bytes| bytes[20] ^= 1);
        let options = Options { segment_bytes: SEGMENT_BYTES, ..Options::default() };
        let opened = FileLog::open(Arc::new(disk), options);
        assert!(matches!(opened, Err(LogError::Corrupt { ref file, .. }) if file == newest));
    }
}

#[test]
fn damage_that_a_snapshot_covers_stops_no_start_and_hides_no_tail() {
    let disk = MemoryDisk::new();
    let options = Options { segment_bytes: 64 * 1024, ..Options::default() };
    let open_on = |disk: &MemoryDisk, verify_from| {
        let options = Options { verify_from, ..options };
        FileLog::open(Arc::new(disk.clone()), options)
    };
    let open = |verify_from| open_on(&disk, verify_from);
    let mut log = open(None).expect("the log opens").0;
    append_until(&mut log, 20);
    log.sync().expect("the sync succeeds");
    let name = FIRST_SEGMENT;
    for (sequence, byte) in [(5, 50), (9, 8)] {
        disk.edit(name, |bytes| bytes[position_of(1, sequence) + byte] ^= 1);
    }
    append_until(&mut log, 30);
    disk.fail_sync_after(0);
    log.sync().expect_err("the disk could not sync");
    drop(log);
    let (log, recovery) = open(Some(21)).expect("the snapshot covers what is damaged");
    assert_eq!((recovery.cut, log.reader().bounds().last_sequence), (None, 30));
    check_range(&*log.reader(), 1, 4);
    check_range(&*log.reader(), 10, 30);
    drop(log);
    for seed in 0..20 {
        let (log, _) =
            open_on(&disk.survivor(&mut Random::from_seed(seed)), Some(21)).expect("the log opens");
        assert_eq!(log.reader().bounds().last_sequence, 30, "what was found was written again, seed {seed}");
    }
    assert!(open(Some(9)).is_err(), "what no snapshot covers stops the start");
}

#[test]
fn a_damaged_rest_of_a_segment_costs_that_rest() {
    let disk = closed_log();
    let (name, first) = second_segment(&disk);
    let damaged = first + 2;
    disk.edit(&name, |bytes| bytes[position_of(first, damaged)..].fill(0xff));
    let log = open(&disk);
    let next = log.reader().next_readable(first_offset(damaged)).expect("the other files can be read");
    assert!(next.sequence > damaged + 1, "{next:?}");
    assert!(log.reader().read_from(damaged + 1, 1).is_err());
    assert_eq!(log.reader().find_time(time_at(damaged)).expect("damage is passed"), next.sequence);
    check_range(&*log.reader(), 1, damaged - 1);
    check_range(&*log.reader(), next.sequence, RECORDS);
    let verified = check(&disk);
    assert_eq!(verified.damage.len(), 1, "{verified:?}");
    assert_eq!(verified.damage[0].offsets, Some((first_offset(damaged), next.first_offset)));
}

#[test]
fn a_sound_log_is_sound_and_a_write_that_was_cut_short_is_no_damage() {
    let disk = closed_log();
    let verified = check(&disk);
    assert_eq!((verified.damage.len(), verified.records, verified.first_sequence), (0, RECORDS, 1));
    let mut log = open(&disk);
    append_until(&mut log, RECORDS + 1);
    drop(log);
    let names = disk.list().expect("the disk works");
    let last = names.iter().filter(|name| name.ends_with(".segment")).max().expect("there are many").clone();
    disk.edit(&last, |bytes| {
        let end = bytes.iter().rposition(|byte| *byte != 0).expect("there are records");
        bytes[end] ^= 1;
    });
    let verified = check(&disk);
    assert_eq!((verified.damage.len(), verified.records), (0, RECORDS));
    assert!(verified.torn_bytes > 0, "{verified:?}");
}

#[test]
fn a_damaged_mark_and_a_damaged_last_record_are_found() {
    let disk = closed_log();
    disk.edit("clean", |bytes| bytes[25] ^= 1);
    let verified = check(&disk);
    assert_eq!(verified.damage.len(), 1, "{verified:?}");
    assert_eq!((verified.damage[0].file.as_str(), verified.damage[0].offsets), ("clean", None));

    let disk = closed_log();
    let names = disk.list().expect("the disk works");
    let last = names.iter().filter(|name| name.ends_with(".segment")).max().expect("there are many").clone();
    disk.edit(&last, |bytes| {
        let end = bytes.iter().rposition(|byte| *byte != 0).expect("there are records");
        bytes[end] ^= 1;
    });
    let verified = check(&disk);
    assert_eq!(verified.damage.len(), 1, "the mark knows that it was durable: {verified:?}");
    assert_eq!(verified.damage[0].sequence, Some(RECORDS));
}
