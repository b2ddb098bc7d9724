//! The log may be trimmed at any point of a read of a fact.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use camshaft_event::transaction::{Published, Section};
use camshaft_event::{Event, Offset, Transaction};
use camshaft_log::testing::MemoryDisk;
use camshaft_log::{
    Batch, Bounds, FileLog, Kept, Log as _, LogError, LogReader, NewKept, NewRecord, NextRecord, Options,
};

use super::{FactsError, read_fact};

/// A reader for which the log is trimmed between two calls.
struct Moving {
    log: Arc<dyn LogReader>,
    /// Whether its first look at the bounds comes before the trim.
    is_stale: AtomicBool,
    /// Whether the trim comes between the search for an offset and the read.
    is_cut_before_read: bool,
}

impl LogReader for Moving {
    fn read_from(&self, sequence: u64, max_bytes: u32) -> Result<Batch, LogError> {
        if self.is_cut_before_read {
            return Err(LogError::Trimmed { what: "sequence", requested: sequence, first: sequence + 1 });
        }
        self.log.read_from(sequence, max_bytes)
    }

    fn find_offset(&self, offset: u64) -> Result<Option<u64>, LogError> {
        self.log.find_offset(offset)
    }

    fn find_time(&self, timestamp_ms: u64) -> Result<u64, LogError> {
        self.log.find_time(timestamp_ms)
    }

    fn next_readable(&self, offset: u64) -> Result<NextRecord, LogError> {
        self.log.next_readable(offset)
    }

    fn identity(&self) -> u64 {
        self.log.identity()
    }

    fn bounds(&self) -> Bounds {
        let is_stale = self.is_stale.swap(false, Ordering::Relaxed);
        let bounds = self.log.bounds();
        Bounds { first_offset: if is_stale { 0 } else { bounds.first_offset }, ..bounds }
    }

    fn synced(&self) -> u64 {
        self.log.synced()
    }

    fn reserved_bytes(&self) -> u64 {
        self.log.reserved_bytes()
    }

    fn max_payload_bytes(&self) -> u32 {
        self.log.max_payload_bytes()
    }
}

fn event(offset: u64) -> Event {
    Event { id: offset.to_string(), data: vec![7; 2_000], ..Event::default() }
}

fn encoded(offset: u64) -> Vec<u8> {
    let section = Section::Published(Published { events: vec![event(offset)] });
    Transaction { sections: vec![section], ..Transaction::default() }.encode()
}

/// A log with ten events in several segments, and the kept copies of the first five.
fn log_and_kept() -> (FileLog, Kept) {
    let disk = Arc::new(MemoryDisk::new());
    let options = Options { segment_bytes: 4_096, first_offset: 0, ..Options::default() };
    let (mut log, _) = FileLog::open(Arc::clone(&disk) as _, options).unwrap();
    let kept = Kept::open(disk, log.reader().identity()).unwrap();
    let mut writer = kept.writer(0);
    for offset in 0..10 {
        let payload = encoded(offset);
        let record = NewRecord { first_offset: offset, count: 1, timestamp_ms: offset, payload: &payload };
        log.append(offset, record).unwrap();
        if offset < 5 {
            let found = camshaft_event::transaction::EncodedEvents::of(&payload, Offset(offset)).unwrap();
            for (_, event) in found.map(Result::unwrap) {
                writer.push(NewKept { offset, timestamp_ms: offset, bytes: event.bytes() }).unwrap();
            }
        }
    }
    writer.finish(5).unwrap();
    (log, kept)
}

fn check(log: &dyn LogReader, kept: &Kept, offset: u64) {
    let (at, found) = read_fact(log, kept, Offset(offset)).unwrap().unwrap();
    assert_eq!((at.0, found), (offset, event(offset)));
}

#[test]
fn a_fact_is_read_on_both_sides_of_the_first_retained_offset() {
    let (mut log, kept) = log_and_kept();
    log.trim(6).unwrap();
    let first = log.reader().bounds().first_offset;
    assert!(first > 0 && first <= 5, "{first}");
    (0..10).for_each(|offset| check(&*log.reader(), &kept, offset));
    assert!(read_fact(&*log.reader(), &kept, Offset(10)).unwrap().is_none(), "not written yet");
}

#[test]
fn a_trim_after_the_look_at_the_bounds_hides_no_fact() {
    let (mut log, kept) = log_and_kept();
    log.trim(6).unwrap();
    let moving = Moving { log: log.reader(), is_stale: AtomicBool::new(true), is_cut_before_read: false };
    check(&moving, &kept, 0);
}

#[test]
fn a_trim_after_the_search_for_the_offset_hides_no_fact() {
    let (log, kept) = log_and_kept();
    let moving = Moving { log: log.reader(), is_stale: AtomicBool::new(false), is_cut_before_read: true };
    check(&moving, &kept, 2);
}

#[test]
fn a_fact_that_was_trimmed_and_not_kept_is_named() {
    let (mut log, kept) = log_and_kept();
    log.trim(9).unwrap();
    let error = read_fact(&*log.reader(), &kept, Offset(5)).unwrap_err();
    assert!(matches!(error, FactsError::Lost { offset: Offset(5) }), "{error}");
}
