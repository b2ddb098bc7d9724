//! One segment of any content: opening finds exactly the records that `FORMAT.md` says, or refuses where it
//! says.

use std::sync::Arc;

use bolero::{TypeGenerator, check, produce};
use camshaft_log::testing::MemoryDisk;
use camshaft_log::{FileLog, Log, LogError, NewRecord, Options};

use super::MOMENT;
use super::format::{self, Record};

const FIRST: &str = "00000000000000000001.segment";

/// What follows in a segment.
#[derive(Clone, Debug, TypeGenerator)]
enum Piece {
    /// The next record in order.
    Next(Content),
    /// It, with a byte that flipped.
    Flipped(Content, u8, #[generator(0..8_u8)] u8),
    /// It, with a length that is not its own but checks.
    Mismeasured(Content, #[generator(0..5_000_u32)] u32),
    /// It, cut short.
    Short(Content, u8),
    /// A whole record of a number near the next one: it was skipped, or is there twice.
    Odd(Content, #[generator(-2..4_i8)] i8, #[generator(-1..2_i8)] i8),
    Bytes(#[generator(produce::<Vec<u8>>().with().len(0..60_usize))] Vec<u8>),
    Zeros(u8),
}

#[derive(Clone, Debug, TypeGenerator)]
struct Content {
    #[generator(0..3_u32)]
    count: u32,
    timestamp_ms: u64,
    /// How far before the record the log was durable.
    #[generator(1..6_u64)]
    behind: u64,
    #[generator(produce::<Vec<u8>>().with().len(0..80_usize))]
    payload: Vec<u8>,
}

#[test]
fn any_bytes_behind_a_header_are_a_log_or_an_error() {
    check!(name = "segment").with_iterations(300).for_each(check_body);
}

#[test]
fn records_that_check_are_taken_only_where_they_belong() {
    let pieces = produce::<Vec<Piece>>().with().len(0..8_usize);
    check!().with_generator(pieces).with_test_time(MOMENT).for_each(|pieces| check_body(&body(pieces)));
}

fn body(pieces: &[Piece]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut next = Record { sequence: 1, first_offset: 1, ..Record::default() };
    for piece in pieces {
        let record = |content: &Content, ahead: i8, skips: i8| Record {
            sequence: next.sequence.saturating_add_signed(ahead.into()),
            first_offset: next.first_offset.saturating_add_signed(skips.into()),
            timestamp_ms: content.timestamp_ms,
            synced: next.sequence.saturating_add_signed(ahead.into()).saturating_sub(content.behind),
            count: content.count,
            payload: content.payload.clone(),
        };
        let mut add = match piece {
            Piece::Next(content) | Piece::Flipped(content, ..) | Piece::Short(content, _) => {
                record(content, 0, 0).encode(None)
            }
            Piece::Mismeasured(content, length) => record(content, 0, 0).encode(Some(*length)),
            Piece::Odd(content, ahead, skips) => record(content, *ahead, *skips).encode(None),
            Piece::Bytes(bytes) => bytes.clone(),
            Piece::Zeros(count) => vec![0; usize::from(*count)],
        };
        match piece {
            Piece::Flipped(_, at, bit) => {
                let at = usize::from(*at) % add.len();
                add[at] ^= 1 << bit;
            }
            Piece::Short(_, at) => add.truncate(usize::from(*at) % add.len()),
            _ => {}
        }
        if let Piece::Next(content) | Piece::Flipped(content, ..) = piece {
            next.sequence += 1;
            next.first_offset += u64::from(content.count);
        }
        bytes.append(&mut add);
    }
    bytes
}

fn check_body(body: &[u8]) {
    let mut file = format::segment_header();
    file.extend_from_slice(body);
    let disk = MemoryDisk::new();
    disk.put(FIRST, &file);
    match (open(&disk), format::open(&file)) {
        (Ok(log), Ok(expected)) => {
            assert_eq!(records(&log), expected, "the records of {body:?}");
            drop(log);
            let again = open(&disk).expect("an opened log opens again");
            assert_eq!(records(&again), expected, "the repaired log is the same");
            let end = format::segment_header().len() + expected.iter().map(Record::footprint).sum::<usize>();
            let left = &disk.bytes(FIRST)[end.min(file.len())..];
            assert!(left.iter().all(|byte| *byte == 0), "what is no record is gone");
            check_goes_on(again, &disk, expected);
        }
        (Err(LogError::Corrupt { file: name, position, .. }), Err(expected)) => {
            assert_eq!((name.as_str(), position), (FIRST, expected));
            assert_eq!(disk.bytes(FIRST), file, "a corrupt log stays as it was found");
        }
        (found, expected) => {
            panic!("{:?} instead of {expected:?} of {body:?}", found.map(|log| records(&log)))
        }
    }
}

/// What is appended next stands behind what was found, and is found with it.
fn check_goes_on(mut log: FileLog, disk: &MemoryDisk, mut expected: Vec<Record>) {
    let bounds = log.reader().bounds();
    let payload = b"next".to_vec();
    let new = NewRecord { first_offset: bounds.next_offset, count: 1, timestamp_ms: 7, payload: &payload };
    log.prepare().expect("there is room");
    log.append(bounds.last_sequence, new).expect("a repaired log takes records");
    log.sync().expect("the disk works");
    drop(log);
    let log = open(disk).expect("it opens again");
    let (sequence, first_offset) = (bounds.last_sequence + 1, bounds.next_offset);
    let synced = records(&log).last().map_or(0, |record| record.synced);
    expected.push(Record { sequence, first_offset, timestamp_ms: 7, synced, count: 1, payload });
    assert_eq!(records(&log), expected);
}

fn open(disk: &MemoryDisk) -> Result<FileLog, LogError> {
    let options = Options { segment_bytes: 4096, ..Options::default() };
    FileLog::open(Arc::new(disk.clone()), options).map(|(log, _)| log)
}

fn records(log: &FileLog) -> Vec<Record> {
    let reader = log.reader();
    let (mut found, mut next) = (Vec::new(), reader.bounds().first_sequence);
    loop {
        let batch = reader.read_from(next, 200).expect("what was verified can be read");
        if batch.is_empty() {
            return found;
        }
        next += batch.len() as u64;
        found.extend(batch.iter().map(|record| Record {
            sequence: record.sequence,
            first_offset: record.first_offset,
            timestamp_ms: record.timestamp_ms,
            synced: record.synced,
            count: record.count,
            payload: record.payload.to_vec(),
        }));
    }
}
