//! Kept entries whose content follows from their offset, so that any test can tell whether it reads the right
//! ones.

use super::Random;
use crate::{Kept, KeptEntry, LogError, NewKept};

/// The entry that tests keep at an offset; its length is between 0 and `max_bytes`.
///
/// # Panics
/// Never.
#[must_use]
pub fn entry_at(offset: u64, max_bytes: u64) -> KeptEntry {
    let mut random = Random::from_seed(offset);
    let length = usize::try_from(random.below(max_bytes + 1)).expect("a small number");
    KeptEntry { offset, timestamp_ms: offset * 10, bytes: random.bytes(length) }
}

/// Whether tests keep an entry at this offset: at two of three.
#[must_use]
pub fn is_kept_at(offset: u64) -> bool {
    !offset.is_multiple_of(3)
}

/// Keeps the entries of the range that begins where the last one ends.
///
/// # Errors
/// Those of [`crate::KeptWriter`].
pub fn keep_until(kept: &Kept, until: u64, max_bytes: u64) -> Result<u64, LogError> {
    let from = kept.until();
    let mut writer = kept.writer(from);
    for offset in (from..until).filter(|offset| is_kept_at(*offset)) {
        let entry = entry_at(offset, max_bytes);
        writer.push(NewKept { offset, timestamp_ms: entry.timestamp_ms, bytes: &entry.bytes })?;
    }
    writer.finish(until)
}

/// Checks that exactly the entries below `until` are kept, and nothing behind them.
///
/// # Panics
/// If it is not so.
pub fn check_kept(kept: &Kept, until: u64, max_bytes: u64) {
    assert_eq!(kept.until(), until, "where the next range begins");
    for offset in 0..until + 3 {
        let expected = (offset < until && is_kept_at(offset)).then(|| entry_at(offset, max_bytes));
        assert_eq!(kept.read(offset).expect("the files are sound"), expected, "offset {offset}");
    }
}
