//! Validates times by the grammar of RFC 3339: an event's `time`, and times that operators write.
//!
//! This is own code because libraries for times also accept other forms and limit the range. The runtime does
//! not compute with an event's time.

/// Whether `text` is a `date-time` of RFC 3339, section 5.6. A leap second is accepted in any minute.
#[must_use]
pub fn is_rfc3339(text: &str) -> bool {
    let Some((date, rest)) = text.as_bytes().split_at_checked(10) else { return false };
    let Some((time, rest)) = rest.split_at_checked(9) else { return false };
    is_date(date) && is_time(time) && is_offset(after_fraction(rest))
}

fn is_date(date: &[u8]) -> bool {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = date else { return false };
    let year = number(&[y1, y2, y3, y4]);
    let (Some(year), Some(month), Some(day)) = (year, number(&[m1, m2]), number(&[d1, d2])) else {
        return false;
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

fn is_time(time: &[u8]) -> bool {
    let &[b'T' | b't', h1, h2, b':', m1, m2, b':', s1, s2] = time else { return false };
    is_within(&[h1, h2], 23) && is_within(&[m1, m2], 59) && is_within(&[s1, s2], 60)
}

/// What follows the fraction of a second; all of it if there is no fraction. Nothing follows one without
/// digits.
fn after_fraction(rest: &[u8]) -> &[u8] {
    let Some(fraction) = rest.strip_prefix(b".") else { return rest };
    let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 { &[] } else { fraction.get(digits..).unwrap_or_default() }
}

fn is_offset(offset: &[u8]) -> bool {
    match offset {
        [b'Z' | b'z'] => true,
        &[b'+' | b'-', h1, h2, b':', m1, m2] => is_within(&[h1, h2], 23) && is_within(&[m1, m2], 59),
        _ => false,
    }
}

fn is_within(digits: &[u8], most: u32) -> bool {
    number(digits).is_some_and(|number| number <= most)
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| Some(number * 10 + char::from(*digit).to_digit(10)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_grammar_whatever_their_year() {
        for good in [
            "2026-01-31T12:00:00Z",
            "2026-01-31t12:00:00.123z",
            "2026-01-31T12:00:00+05:30",
            "2024-02-29T23:59:59.123456789012-00:00",
            "9999-12-31T23:59:59Z",
            "0000-01-01T00:00:00Z",
            "0000-02-29T00:00:00-23:59",
            "1990-12-31T15:59:60-08:00",
        ] {
            assert!(is_rfc3339(good), "{good}");
        }
        for bad in [
            "",
            "yesterday",
            "2026-01-31",
            "2026-01-31 12:00:00Z",
            "2026-01-31T12:00Z",
            "2026-01-31T12:00:00",
            "2026-01-31T12:00:00.Z",
            "2026-02-30T12:00:00Z",
            "1900-02-29T12:00:00Z",
            "2026-00-31T12:00:00Z",
            "2026-13-31T12:00:00Z",
            "2026-04-31T12:00:00Z",
            "2026-01-00T12:00:00Z",
            "2026-01-31T25:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:60:00Z",
            "2026-01-31T12:00:61Z",
            "2026-01-31T12:00:00+0530",
            "2026-01-31T12:00:00+25:30",
            "2026-01-31T12:00:00-05:60",
            "2026-01-31T12:00:00Z[UTC]",
            "12026-01-31T12:00:00Z",
            "+026-01-31T12:00:00Z",
            "2026-01-31T12:00:00Zé",
            "é026-01-31T12:00:00Z",
            "1769860800",
        ] {
            assert!(!is_rfc3339(bad), "{bad}");
        }
    }
}
