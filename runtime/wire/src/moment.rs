//! Moments as RFC 3339 text in UTC with milliseconds, for serde's `with`.

use camshaft_event::{Timestamp, rfc3339::is_rfc3339};
use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// The text of a moment. A moment after the year 9999 is shown as the last moment of that year.
#[must_use]
pub fn text(moment: Timestamp) -> String {
    let ms = i64::try_from(moment.0).unwrap_or(i64::MAX);
    let moment = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX);
    format!("{moment:.3}")
}

/// Parses a text such as `2026-01-31T12:00:00Z`, cut to milliseconds. A moment beyond the supported range
/// becomes the last supported one, and a moment before 1970 becomes the start of 1970.
///
/// # Errors
/// The text is not a time. The error is a sentence that explains the format.
pub fn parse(text: &str) -> Result<Timestamp, String> {
    // The library also accepts other formats, and rejects the last day of the year 9999.
    let moment = is_rfc3339(text).then(|| match text.parse::<jiff::Timestamp>() {
        Ok(moment) => Some(moment),
        Err(_) => text.starts_with("9999-12-3").then_some(jiff::Timestamp::MAX),
    });
    let ms = moment.flatten().map(|moment| u64::try_from(moment.as_millisecond()).unwrap_or(0));
    let wrong = || format!("\"{text}\" is not a time; write it like \"2026-01-31T12:00:00Z\"");
    ms.map(Timestamp).ok_or_else(wrong)
}

/// Writes a moment.
///
/// # Errors
/// Errors of the serializer.
pub fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(*moment))
}

/// Reads a moment.
///
/// # Errors
/// The text is not a time.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// Functions of the parent module for a moment that may be absent.
pub mod option {
    use camshaft_event::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Moment(#[serde(with = "super")] Timestamp);

    /// Writes a moment, or null.
    ///
    /// # Errors
    /// Errors of the serializer.
    pub fn serialize<S: Serializer>(moment: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        moment.map(Moment).serialize(serializer)
    }

    /// Reads a moment, or null.
    ///
    /// # Errors
    /// The text is not a time.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<Moment>::deserialize(deserializer)?.map(|moment| moment.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_utc_with_milliseconds() {
        assert_eq!(text(Timestamp(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(text(Timestamp(1_769_860_800_123)), "2026-01-31T12:00:00.123Z");
        assert!(text(Timestamp(u64::MAX)).starts_with("9999-12-30T"));
    }

    #[test]
    fn moments_are_read_in_any_zone_and_begin_with_1970() {
        assert_eq!(parse("2026-01-31T13:00:00.1239+01:00"), Ok(Timestamp(1_769_860_800_123)));
        assert_eq!(parse("0000-12-31T23:59:59Z"), Ok(Timestamp(0)));
        assert_eq!(text(parse("9999-12-31T23:59:59Z").unwrap()), text(Timestamp(u64::MAX)));
        for wrong in ["yesterday", "2026-01-31", "2026-01-31 12:00Z", "2026-01-31T12:00:00+25:30", ""] {
            let error = parse(wrong).unwrap_err();
            assert!(error.starts_with(&format!("\"{wrong}\" is not a time")), "{error}");
        }
    }
}
