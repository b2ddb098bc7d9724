//! The names of kept files. Persisted: they never change.

use super::Range;

/// A file that is being written.
pub(crate) const TEMPORARY: &str = "kept.tmp";

const SUFFIX: &str = ".kept";
const DIGITS: usize = 20;

/// The name of the file with this range.
pub(crate) fn name(range: Range) -> String {
    format!("{:020}-{:020}{SUFFIX}", range.from, range.until)
}

/// The range of the file with this name; none if it is not the name of a kept file.
pub(crate) fn parse_name(name: &str) -> Option<Range> {
    let (from, until) = name.strip_suffix(SUFFIX)?.split_once('-')?;
    let range = Range { from: number(from)?, until: number(until)? };
    (range.from < range.until).then_some(range)
}

fn number(digits: &str) -> Option<u64> {
    let exact = digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
    if exact { digits.parse().ok() } else { None }
}
