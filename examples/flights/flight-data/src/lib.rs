//! How the data of flights writes a delay. Used by the plugins of this example that read every form of it.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, Visitor},
};

/// Whole minutes. Read from a number or from a text such as `"12 min"`; written as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Minutes(pub i64);

impl<'de> Deserialize<'de> for Minutes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrText)
    }
}

struct NumberOrText;

impl Visitor<'_> for NumberOrText {
    type Value = Minutes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("whole minutes as a number or as text such as \"12 min\"")
    }

    fn visit_i64<E: Error>(self, minutes: i64) -> Result<Minutes, E> {
        Ok(Minutes(minutes))
    }

    fn visit_u64<E: Error>(self, minutes: u64) -> Result<Minutes, E> {
        i64::try_from(minutes).map(Minutes).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Minutes, E> {
        let number = text.strip_suffix("min").unwrap_or(text).trim();
        number.parse().map(Minutes).map_err(|_| E::custom(format_args!("\"{text}\" is no number of minutes")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_read_from_both_forms() {
        for (json, expected) in [("12", 12), ("-3", -3), (r#""12 min""#, 12), (r#""-3min""#, -3)] {
            assert_eq!(serde_json::from_str::<Minutes>(json).unwrap(), Minutes(expected));
        }
        let error = serde_json::from_str::<Minutes>(r#""soon""#).unwrap_err().to_string();
        assert!(error.starts_with("\"soon\" is no number of minutes"), "{error}");
        let error = serde_json::from_str::<Minutes>("1.5").unwrap_err().to_string();
        assert!(error.contains("expected whole minutes"), "{error}");
        assert_eq!(serde_json::to_string(&Minutes(12)).unwrap(), "12");
    }
}
