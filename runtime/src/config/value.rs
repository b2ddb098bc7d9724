//! Parsing of the texts of settings: sizes, durations, counts.

use std::time::Duration;

use bytesize::ByteSize;
use jiff::{Span, SpanRelativeTo};

/// Longest duration that makes sense: a hundred years.
const MAX_DURATION: Duration = Duration::from_hours(100 * 366 * 24);

/// A size such as `256MiB`, at least a byte.
pub(super) fn size(text: &str) -> Result<u64, String> {
    match text.parse::<ByteSize>() {
        Ok(ByteSize(0)) => Err("it must be at least one byte".into()),
        Ok(size) => Ok(size.as_u64()),
        Err(_) => Err(format!("\"{text}\" is not a size; write it like \"256MiB\"")),
    }
}

/// Parses a duration such as `24h` or `7 days`, of at least one millisecond. A day is 24 hours.
///
/// # Errors
/// The reason why the text is not valid, as a sentence.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("\"{text}\" is not a duration; write it like \"24h\" or \"7 days\"");
    let span: Span = text.parse().map_err(|_| wrong())?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    match Duration::try_from(duration) {
        Ok(duration) if duration > MAX_DURATION => Err(format!("\"{text}\" is longer than a hundred years")),
        Ok(duration) if duration >= Duration::from_millis(1) => Ok(duration),
        _ => Err("it must be at least one millisecond".into()),
    }
}

/// A whole number, at least 1.
pub(super) fn count<N: TryFrom<u64>>(text: &str) -> Result<N, String> {
    let number: u64 = text.parse().map_err(|_| format!("\"{text}\" is not a whole number"))?;
    if number == 0 {
        return Err("it must be at least 1".into());
    }
    N::try_from(number).map_err(|_| format!("{number} is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_are_read_as_people_write_them() {
        assert_eq!(size("256MiB"), Ok(256 << 20));
        assert_eq!(size("64 KiB"), Ok(64 << 10));
        assert_eq!(size("1048576"), Ok(1 << 20));
        assert_eq!(duration("24h"), Ok(Duration::from_hours(24)));
        assert_eq!(duration("7 days"), Ok(Duration::from_hours(7 * 24)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(count::<u32>("64"), Ok(64));
    }

    #[test]
    fn wrong_values_say_how_to_write_them() {
        assert_eq!(size("much"), Err("\"much\" is not a size; write it like \"256MiB\"".into()));
        assert_eq!(size("0"), Err("it must be at least one byte".into()));
        assert_eq!(
            duration("soon"),
            Err("\"soon\" is not a duration; write it like \"24h\" or \"7 days\"".into())
        );
        assert_eq!(duration("-1h"), Err("it must be at least one millisecond".into()));
        assert_eq!(
            duration("200 years"),
            Err("\"200 years\" is not a duration; write it like \"24h\" or \"7 days\"".into())
        );
        assert_eq!(duration("1000000h"), Err("\"1000000h\" is longer than a hundred years".into()));
        assert_eq!(count::<u32>("-1"), Err("\"-1\" is not a whole number".into()));
        assert_eq!(count::<u32>("0"), Err("it must be at least 1".into()));
        assert_eq!(count::<u32>("4294967296"), Err("4294967296 is too large".into()));
    }
}
