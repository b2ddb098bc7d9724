//! Damage to records that were known durable, and missing files, stop the start with the place named; the log
//! is left as it was found.

use std::sync::Arc;

use camshaft_log::testing::MemoryDisk;
use camshaft_log::testing::sample::{Sample, append_until, check_samples};
use camshaft_log::{Disk as _, FileLog, Log, LogError, Options, record_bytes};

const FIRST: &str = "00000000000000000001.segment";
const LARGE_SEGMENT: u64 = 16 * 1024;
const SMALL_SEGMENT: u64 = 4096;

fn open(disk: &MemoryDisk, segment_bytes: u64, verify_from: Option<u64>) -> Result<FileLog, LogError> {
    let options = Options { segment_bytes, verify_from, ..Options::default() };
    FileLog::open(Arc::new(disk.clone()), options).map(|(log, _)| log)
}

/// Ten records in one segment, of which the last one knows the first six to be synced.
fn one_segment() -> MemoryDisk {
    let disk = MemoryDisk::new();
    let mut log = open(&disk, LARGE_SEGMENT, None).expect("the log opens");
    append_until(&mut log, 6);
    log.sync().expect("the sync succeeds");
    append_until(&mut log, 10);
    disk.after_kill()
}

/// Two hundred records in many segments.
fn many_segments() -> MemoryDisk {
    let disk = MemoryDisk::new();
    let mut log = open(&disk, SMALL_SEGMENT, None).expect("the log opens");
    append_until(&mut log, 200);
    log.sync().expect("the sync succeeds");
    disk
}

fn segment_names(disk: &MemoryDisk) -> Vec<String> {
    let names = disk.list().expect("the disk works");
    names.into_iter().filter(|name| name.ends_with(".segment")).collect()
}

fn position_of(sequence: u64) -> usize {
    let before = (1..sequence).map(|earlier| record_bytes(Sample::at(earlier).payload.len())).sum::<u64>();
    usize::try_from(64 + before).expect("a small number")
}

/// Checks that the log is refused at this place, with words that say why, and that nothing was changed.
fn check_refused(disk: &MemoryDisk, options: (u64, Option<u64>), place: (&str, usize), why: &str) {
    let before: Vec<_> = segment_names(disk).iter().map(|name| disk.bytes(name)).collect();
    let error = open(disk, options.0, options.1).err().expect("corruption is refused");
    let LogError::Corrupt { file, position, detail } = &error else {
        panic!("corruption is refused: {error}")
    };
    assert_eq!((file.as_str(), usize::try_from(*position).expect("a small number")), place, "{error}");
    assert!(detail.contains(why), "{detail}");
    assert!(error.to_string().contains(file), "the message names the file");
    assert!(error.hint().ends_with('.'), "the hint is a sentence");
    let after: Vec<_> = segment_names(disk).iter().map(|name| disk.bytes(name)).collect();
    assert!(before == after, "a corrupt log stays as it was found");
}

fn check_damage_refused(sequence: u64, why: &str, damage: impl Fn(&mut [u8])) {
    let disk = one_segment();
    disk.edit(FIRST, |bytes| damage(&mut bytes[position_of(sequence)..]));
    check_refused(&disk, (LARGE_SEGMENT, None), (FIRST, position_of(sequence)), why);
}

#[test]
fn a_changed_payload_that_a_later_record_knew_durable() {
    check_damage_refused(3, "record 3 was durable (like all up to 6)", |record| record[50] ^= 0x10);
}

#[test]
fn a_changed_header_that_a_later_record_knew_durable() {
    check_damage_refused(6, "checksum of a record's header", |record| record[20] ^= 1);
}

#[test]
fn a_changed_length_that_hides_where_the_next_record_starts() {
    check_damage_refused(4, "bytes long", |record| record[..4].fill(0xee));
    check_damage_refused(4, "", |record| record[0] ^= 0x40);
}

#[test]
fn a_hole_of_zeros_in_durable_records() {
    check_damage_refused(5, "the records end here", |record| record[..100].fill(0));
}

#[test]
fn a_last_record_that_was_closed_cleanly() {
    let disk = one_segment();
    Box::new(open(&disk, LARGE_SEGMENT, None).expect("the log opens")).close().expect("the log closes");
    disk.edit(FIRST, |bytes| bytes[position_of(10) + 48] ^= 1);
    check_refused(&disk, (LARGE_SEGMENT, None), (FIRST, position_of(10)), "like all up to 10");
}

#[test]
fn a_log_that_ends_before_the_callers_snapshot() {
    let disk = one_segment();
    // To the end: behind a damaged record that the snapshot covers the log would go on.
    disk.edit(FIRST, |bytes| bytes[position_of(9)..position_of(11)].fill(0xff));
    check_refused(&disk, (LARGE_SEGMENT, Some(11)), (FIRST, position_of(9)), "record 9 was durable");
    check_refused(
        &one_segment(),
        (LARGE_SEGMENT, Some(12)),
        (FIRST, position_of(11)),
        "record 11 was durable",
    );
}

#[test]
fn any_flaw_in_a_segment_that_is_not_the_last() {
    let disk = many_segments();
    let names = segment_names(&disk);
    let middle = &names[names.len() / 2];
    disk.edit(middle, |bytes| bytes[64 + 10] ^= 1);
    check_refused(&disk, (SMALL_SEGMENT, None), (middle, 64), "header");

    // What lies before the snapshot is not looked at when opening, and noticed when read.
    let log = open(&disk, SMALL_SEGMENT, Some(200)).expect("the damage lies before the snapshot");
    let reader = log.reader();
    let damaged = middle.trim_end_matches(".segment").parse().expect("the name is a number");
    let error = reader.read_from(damaged, 1000).expect_err("damage is noticed");
    assert!(matches!(&error, LogError::Corrupt { file, position: 64, .. } if file == middle), "{error}");
    assert!(reader.read_from(damaged - 1, 1).is_ok(), "other records can be read");
}

#[test]
fn a_payload_flaw_before_the_snapshot_is_noticed_at_every_read() {
    let disk = many_segments();
    disk.edit(FIRST, |bytes| bytes[position_of(2) + 50] ^= 1);
    let log = open(&disk, SMALL_SEGMENT, Some(200)).expect("the damage lies before the snapshot");
    for _ in 0..2 {
        let error = log.reader().read_from(2, 1000).expect_err("damage is noticed");
        assert!(matches!(error, LogError::Corrupt { .. }), "{error}");
    }
}

#[test]
fn a_missing_segment_in_the_middle() {
    let disk = many_segments();
    let names = segment_names(&disk);
    disk.remove(&names[3]).expect("the disk works");
    check_refused(&disk, (SMALL_SEGMENT, Some(200)), (&names[4], 0), &names[3]);
}

#[test]
fn a_missing_segment_at_the_start_that_the_snapshot_needs() {
    let disk = many_segments();
    let names = segment_names(&disk);
    disk.remove(&names[0]).expect("the disk works");
    check_refused(&disk, (SMALL_SEGMENT, Some(1)), (&names[1], 0), "missing");
    open(&disk, SMALL_SEGMENT, None).expect("without a snapshot the log may have been trimmed");
}

#[test]
fn a_missing_segment_at_the_end_or_all_of_them() {
    let disk = many_segments();
    Box::new(open(&disk, SMALL_SEGMENT, None).expect("the log opens")).close().expect("the log closes");
    let names = segment_names(&disk);
    disk.remove(names.last().expect("there are segments")).expect("the disk works");
    let error = open(&disk, SMALL_SEGMENT, None).err().expect("the end is missing");
    assert!(matches!(error, LogError::Corrupt { .. }), "{error}");
    for name in segment_names(&disk) {
        disk.remove(&name).expect("the disk works");
    }
    check_refused(&disk, (SMALL_SEGMENT, None), (FIRST, 0), "all segments are missing");
}

#[test]
fn a_damaged_segment_header_or_one_cut_short() {
    let disk = many_segments();
    let last = segment_names(&disk).pop().expect("there are segments");
    let whole = disk.bytes(&last);
    disk.edit(&last, |bytes| bytes[30] ^= 1);
    check_refused(&disk, (SMALL_SEGMENT, None), (&last, 0), "checksum of the header");
    disk.edit(&last, |bytes| bytes.truncate(40));
    check_refused(&disk, (SMALL_SEGMENT, None), (&last, 0), "truncated");
    disk.edit(&last, |bytes| {
        *bytes = b"not a segment at all, and a little longer than sixty-four bytes".repeat(2)
    });
    check_refused(&disk, (SMALL_SEGMENT, None), (&last, 0), "magic");
    disk.edit(&last, |bytes| bytes.clone_from(&whole));
    check_samples(&open(&disk, SMALL_SEGMENT, None).expect("whole again"), 1, 200);
}

#[test]
fn a_segment_under_another_name_or_of_another_log() {
    let disk = many_segments();
    let names = segment_names(&disk);
    disk.put("00000000000000009999.segment", &disk.bytes(&names[1]));
    check_refused(&disk, (SMALL_SEGMENT, None), ("00000000000000009999.segment", 0), "as its first sequence");

    let disk = many_segments();
    let other = MemoryDisk::new();
    let options = Options { segment_bytes: SMALL_SEGMENT, identity: 5, ..Options::default() };
    append_until(&mut FileLog::open(Arc::new(other.clone()), options).expect("the log opens").0, 200);
    disk.put(&names[2], &other.bytes(&names[2]));
    check_refused(&disk, (SMALL_SEGMENT, None), (&names[2], 0), "another log");
}

/// A log that was closed cleanly, with a damaged mark.
fn damaged_mark() -> MemoryDisk {
    let disk = one_segment();
    Box::new(open(&disk, LARGE_SEGMENT, None).expect("the log opens")).close().expect("the log closes");
    disk.edit("clean", |bytes| bytes[25] ^= 1);
    disk
}

#[test]
fn a_damaged_clean_mark_whose_claim_the_tail_needs() {
    let disk = damaged_mark();
    // The last record: a torn tail, if the mark did not say that it was durable.
    disk.edit(FIRST, |bytes| bytes[position_of(10) + 50] ^= 1);
    let before = disk.bytes(FIRST);
    let error = open(&disk, LARGE_SEGMENT, None).err().expect("nothing is cut");
    let LogError::Mark { file, detail } = &error else { panic!("the mark is named: {error}") };
    assert_eq!(file, "clean");
    assert!(detail.contains("checksum") && detail.contains("record 10"), "{detail}");
    assert!(error.hint().starts_with("Remove that file") && error.hint().contains("cut"), "{}", error.hint());
    assert!(disk.bytes(FIRST) == before, "the log stays as it was found");
    disk.remove("clean").expect("the disk works");
    check_samples(&open(&disk, LARGE_SEGMENT, None).expect("without the mark it is a torn tail"), 1, 9);
}

#[test]
fn a_mark_of_another_log() {
    let disk = one_segment();
    let other = MemoryDisk::new();
    let options = Options { segment_bytes: LARGE_SEGMENT, identity: 5, ..Options::default() };
    let log = FileLog::open(Arc::new(other.clone()), options).expect("the log opens").0;
    Box::new(log).close().expect("the log closes");
    disk.put("clean", &other.bytes("clean"));
    let error = open(&disk, LARGE_SEGMENT, None).err().expect("it is refused");
    assert!(matches!(&error, LogError::Mark { detail, .. } if detail.contains("another log")), "{error}");
}
