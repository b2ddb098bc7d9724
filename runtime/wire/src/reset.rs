//! Resets of consumers as operators request them.

use camshaft_event::{Offset, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Number;
use utoipa::{
    ToSchema,
    openapi::{
        KnownFormat, Schema, SchemaFormat,
        schema::{AnyOfBuilder, ObjectBuilder, Type},
    },
};

use super::{moment, whole};

/// Where a reset consumer starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetPlace {
    /// At the first event that the log retains.
    Earliest,
    /// At the next event to be published.
    Latest,
    /// At this offset, or at the nearest existing one.
    Offset(Offset),
    /// At the first event that was sequenced at this time or later.
    Time(Timestamp),
}

/// Where a consumer starts again, and whether it keeps its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetRequest {
    /// `earliest`, `latest`, an offset such as `17`, or a time such as `2026-01-31T12:00:00Z`.
    #[schema(schema_with = place_schema)]
    pub to: ResetPlace,
    /// Whether the consumer keeps its state.
    #[serde(default)]
    pub keep_state: bool,
}

/// Where the consumer starts after the reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResetView {
    /// Offset of the first event that the consumer handles.
    #[schema(value_type = u64)]
    pub offset: Offset,
}

/// A word, an offset as a number or text, or a time.
fn place_schema() -> Schema {
    let described = "`earliest`, `latest`, an offset such as `17`, or a time such as `2026-01-31T12:00:00Z`.";
    let offset = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(0));
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let word = text().pattern(Some("^(?:earliest|latest|[0-9]{1,19})$"));
    let time = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    AnyOfBuilder::new().description(Some(described)).item(offset).item(word).item(time).build().into()
}

impl ResetPlace {
    /// Parses a place. `time` parses a text that is neither a word nor an offset.
    ///
    /// # Errors
    /// The text is not a place. The error is a sentence that lists the allowed forms.
    pub fn parse(text: &str, time: impl Fn(&str) -> Result<Timestamp, String>) -> Result<Self, String> {
        match text {
            "earliest" => return Ok(Self::Earliest),
            "latest" => return Ok(Self::Latest),
            _ => {}
        }
        if let Ok(offset) = text.parse() {
            return Ok(Self::Offset(Offset(offset)));
        }
        let or = |wrong| format!("write \"earliest\", \"latest\", an offset or a time: {wrong}");
        time(text).map(Self::Time).map_err(or)
    }
}

impl Serialize for ResetPlace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Earliest => serializer.serialize_str("earliest"),
            Self::Latest => serializer.serialize_str("latest"),
            Self::Offset(offset) => serializer.serialize_u64(offset.0),
            Self::Time(time) => moment::serialize(time, serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ResetPlace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected \"earliest\", \"latest\", an offset or a time")]
        enum Written {
            Offset(Number),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Offset(number) => whole::value(&number)
                .map(|offset| Self::Offset(Offset(offset)))
                .ok_or_else(|| D::Error::custom(format!("{number} is not an offset"))),
            Written::Text(text) => Self::parse(&text, moment::parse).map_err(D::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_word_an_offset_or_a_time() {
        let noon = ResetPlace::Time(Timestamp(1_769_860_800_000));
        for (json, place) in [
            ("\"earliest\"", ResetPlace::Earliest),
            ("\"latest\"", ResetPlace::Latest),
            ("17", ResetPlace::Offset(Offset(17))),
            ("\"2026-01-31T12:00:00.000Z\"", noon),
        ] {
            assert_eq!(serde_json::from_str::<ResetPlace>(json).unwrap(), place);
            assert_eq!(serde_json::to_string(&place).unwrap(), json);
        }
        assert_eq!(serde_json::from_str::<ResetPlace>("17.0").unwrap(), ResetPlace::Offset(Offset(17)));
        assert_eq!(serde_json::from_str::<ResetPlace>("\"17\"").unwrap(), ResetPlace::Offset(Offset(17)));
        for wrong in ["-1", "\"\"", "\"noon\"", "null", "1.5"] {
            assert!(serde_json::from_str::<ResetPlace>(wrong).is_err(), "{wrong}");
        }
    }
}
