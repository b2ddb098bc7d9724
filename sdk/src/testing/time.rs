//! Times in tests, as the runtime writes them.

const DAY_MS: u64 = 86_400_000;

/// The RFC 3339 timestamp of a time in milliseconds since 1970-01-01T00:00:00Z.
pub(super) fn rfc3339(time_ms: u64) -> String {
    let (mut days, ms) = (time_ms / DAY_MS, time_ms % DAY_MS);
    let (mut year, mut month) = (1970, 1);
    loop {
        let length = month_days(year, month);
        if days < length {
            break;
        }
        days -= length;
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    }
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    let fraction = if ms % 1000 == 0 { String::new() } else { format!(".{:03}", ms % 1000) };
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z", days + 1)
}

fn month_days(year: u64, month: u64) -> u64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn times_are_written_in_the_calendar() {
        for (time_ms, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (951_868_799_999, "2000-02-29T23:59:59.999Z"),
            (1_769_860_800_000, "2026-01-31T12:00:00Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(time_ms), expected);
        }
    }
}
