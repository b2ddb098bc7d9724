//! Promises of the write side.

use super::Home;
use crate::testing::sample::{Sample, append_until, check_samples};
use crate::{LogError, NewRecord, record_bytes};

/// Records come back as they were appended.
pub fn appended_records_are_read_back_in_order(home: &dyn Home) {
    let mut log = home.open();
    append_until(log.as_mut(), 200);
    check_samples(log.as_ref(), 1, 200);
}

/// Many records in one call are the same as one by one.
pub fn a_batch_is_appended_as_a_whole(home: &dyn Home) {
    let mut log = home.open();
    append_until(log.as_mut(), 3);
    let samples: Vec<_> = (4..=150).map(Sample::at).collect();
    let records: Vec<_> = (4..=150).zip(&samples).map(|(sequence, sample)| sample.record(sequence)).collect();
    assert_eq!(log.append_all(3, &records).expect("the batch fits"), 150);
    check_samples(log.as_ref(), 1, 150);
}

/// The fence: only who knows the last sequence may append.
pub fn an_append_after_another_than_the_last_sequence_is_fenced(home: &dyn Home) {
    let mut log = home.open();
    append_until(log.as_mut(), 5);
    for previous in [0, 4, 6] {
        let error = log.append(previous, Sample::at(6).record(6)).expect_err("the fence holds");
        assert!(matches!(error, LogError::Fenced { last_sequence: 5, .. }), "{error}");
        log.append_all(previous, &[]).expect_err("an empty batch is fenced too");
    }
    append_until(log.as_mut(), 6);
    check_samples(log.as_ref(), 1, 6);
}

/// Offsets stay dense.
pub fn a_record_whose_offset_leaves_a_gap_is_refused(home: &dyn Home) {
    let mut log = home.open();
    append_until(log.as_mut(), 5);
    let sample = Sample::at(6);
    for wrong in [sample.first_offset - 1, sample.first_offset + 1, u64::MAX] {
        let record = NewRecord { first_offset: wrong, ..sample.record(6) };
        let error = log.append(5, record).expect_err("offsets are dense");
        assert!(matches!(error, LogError::OffsetGap { .. }), "{error}");
    }
    append_until(log.as_mut(), 6);
    check_samples(log.as_ref(), 1, 6);
}

/// The log states its own limit, and keeps it exactly.
pub fn a_payload_beyond_the_maximum_is_refused_and_the_largest_is_kept(home: &dyn Home) {
    let mut log = home.open();
    let max_bytes = log.reader().max_payload_bytes();
    let largest = vec![7; usize::try_from(max_bytes).expect("memory is that large")];
    let mut larger = largest.clone();
    larger.push(7);
    let record = NewRecord { first_offset: 1, count: 1, timestamp_ms: 10, payload: &larger };
    let error = log.append(0, record).expect_err("the maximum holds");
    assert!(matches!(error, LogError::TooLarge { .. }), "{error}");
    log.append(0, NewRecord { payload: &largest, ..record }).expect("the largest payload fits");
    let batch = log.reader().read_from(1, 1).expect("the record is sound");
    assert_eq!(batch.iter().next().map(|record| record.payload.to_vec()), Some(largest));
}

/// What is written is visible; what is durable is told apart.
pub fn records_are_readable_before_they_are_synced_and_the_bound_says_so(home: &dyn Home) {
    let mut log = home.open();
    append_until(log.as_mut(), 3);
    assert_eq!(log.sync().expect("the sync succeeds"), 3);
    append_until(log.as_mut(), 5);
    let reader = log.reader();
    assert_eq!((reader.synced(), reader.bounds().last_sequence), (3, 5));
    check_samples(log.as_ref(), 1, 5);
    let batch = reader.read_from(4, 10_000).expect("the records are sound");
    assert_eq!(batch.iter().map(|record| record.synced).collect::<Vec<_>>(), [3, 3]);
    assert_eq!(log.sync().expect("the sync succeeds"), 5);
    assert_eq!(reader.synced(), 5);
}

/// Durable means: there after the log was dropped without a word.
pub fn synced_records_are_there_after_a_drop(home: &dyn Home) {
    let mut log = home.open();
    append_until(log.as_mut(), 120);
    log.sync().expect("the sync succeeds");
    drop(log);
    let log = home.open();
    check_samples(log.as_ref(), 1, 120);
    assert_eq!(log.reader().synced(), 120, "what an opened log shows is durable");
}

/// Closing and opening changes nothing.
pub fn a_closed_log_goes_on_where_it_ended(home: &dyn Home) {
    for round in 1..=5 {
        let mut log = home.open();
        assert_eq!(log.reader().bounds().last_sequence, (round - 1) * 40);
        append_until(log.as_mut(), round * 40);
        log.close().expect("the log closes");
    }
    check_samples(home.open().as_ref(), 1, 200);
}

/// A reservation holds for whatever records are queued, as long as their sum is within it.
pub fn what_is_reserved_can_be_appended_without_preparing(home: &dyn Home) {
    let mut log = home.open();
    log.prepare().expect("there is room");
    let reader = log.reader();
    let reserved = reader.reserved_bytes().min(64 * 1024);
    let (mut sequence, mut queued) = (0, 0);
    loop {
        let sample = Sample::at(sequence + 1);
        queued += record_bytes(sample.payload.len());
        if queued > reserved {
            break;
        }
        log.append(sequence, sample.record(sequence + 1)).expect("the room is reserved");
        sequence += 1;
    }
    check_samples(log.as_ref(), 1, sequence);
}
