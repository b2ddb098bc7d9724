//! The names of the log's files. Persisted: they never change.

/// The next segment, allocated and not yet in use.
pub(crate) const SPARE: &str = "spare";
/// The next segment while it is being allocated.
pub(crate) const SPARE_TEMPORARY: &str = "spare.tmp";
/// The mark of the last clean shutdown.
pub(crate) const CLEAN: &str = "clean";
/// The mark while it is being written.
pub(crate) const CLEAN_TEMPORARY: &str = "clean.tmp";

const SEGMENT_SUFFIX: &str = ".segment";
const SEQUENCE_DIGITS: usize = 20;

/// The name of the segment whose first record has this sequence.
pub(crate) fn segment_name(first_sequence: u64) -> String {
    format!("{first_sequence:020}{SEGMENT_SUFFIX}")
}

/// The first sequence of the segment with this name; none if it is no segment's name.
pub(crate) fn parse_segment_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SEGMENT_SUFFIX)?;
    let exact = digits.len() == SEQUENCE_DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
    if exact { digits.parse().ok() } else { None }
}
