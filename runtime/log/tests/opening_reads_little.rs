//! Opening a long log reads the headers of its segments and the records after the snapshot, not the records
//! before; finding one of those reads about one segment.

use std::sync::Arc;

use camshaft_log::testing::MemoryDisk;
use camshaft_log::testing::sample::append_until;
use camshaft_log::{FileLog, Log, Options};

const SEGMENT_BYTES: u64 = 16 * 1024;

#[test]
fn opening_and_finding_read_a_small_part_of_a_long_log() {
    let disk = MemoryDisk::new();
    let options = Options { segment_bytes: SEGMENT_BYTES, ..Options::default() };
    let (mut log, _) = FileLog::open(Arc::new(disk.clone()), options).expect("the log opens");
    append_until(&mut log, 10_000);
    let bounds = log.reader().bounds();
    let segments = bounds.retained_bytes / SEGMENT_BYTES;
    assert!(segments > 100, "the log is long: {segments}");
    drop(log);

    let before = disk.bytes_read();
    let options = Options { verify_from: Some(10_000), ..options };
    let (log, recovery) = FileLog::open(Arc::new(disk.clone()), options).expect("the log opens");
    let read = disk.bytes_read() - before;
    assert!(recovery.verified_records < 200, "{recovery:?}");
    assert!(read < segments * 64 + 5 * SEGMENT_BYTES, "opening read {read} bytes");

    let reader = log.reader();
    let check_little = |find: &dyn Fn() -> bool| {
        let before = disk.bytes_read();
        assert!(find());
        let read = disk.bytes_read() - before;
        assert!(read < 3 * SEGMENT_BYTES, "finding read {read} bytes");
    };
    check_little(&|| reader.find_offset(5000).expect("the records are sound").is_some());
    check_little(&|| reader.find_time(30_000).expect("the records are sound") == 3000);
    check_little(&|| !reader.read_from(7000, 1000).expect("the records are sound").is_empty());
}
