//! Times on the command line.

use camshaft::parse_duration;
use camshaft_event::Timestamp;
use camshaft_wire::moment;

/// Parses a time such as `2026-01-31T12:00:00Z`, or an age such as `2h`.
pub fn when(text: &str) -> Result<Timestamp, String> {
    at(text, jiff::Timestamp::now())
}

fn at(text: &str, now: jiff::Timestamp) -> Result<Timestamp, String> {
    if let Ok(moment) = moment::parse(text) {
        return Ok(moment);
    }
    let ago = parse_duration(text).ok().and_then(|ago| now.checked_sub(ago).ok());
    let ms = ago.and_then(|moment| u64::try_from(moment.as_millisecond()).ok());
    ms.map(Timestamp).ok_or_else(|| {
        "write a time such as \"2026-01-31T12:00:00Z\", or an age such as \"2h\" or \"7 days\"".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_moment_or_how_long_ago_it_was() {
        let now = "2026-01-31T12:00:00Z".parse().unwrap();
        let noon = 1_769_860_800_000;
        for (text, ms) in [
            ("2026-01-31T13:00:00+01:00", noon),
            ("2h", noon - 7_200_000),
            ("1 day", noon - 86_400_000),
            ("1m 30s", noon - 90_000),
        ] {
            assert_eq!(at(text, now), Ok(Timestamp(ms)), "{text}");
        }
        for wrong in ["", "yesterday", "17", "-2h", "2026-01-31", "90 years"] {
            assert!(at(wrong, now).is_err(), "{wrong}");
        }
    }
}
