//! A plugin's state as JSON. Plugins of the SDK write MessagePack; other values are shown as base64.

use std::{cell::Cell, fmt, io};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeSeed, EnumAccess, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// Maximum nesting that is shown as JSON.
const MAX_DEPTH: u32 = 64;

/// Maximum memory of one value's JSON, in bytes. One byte of MessagePack may become 40 bytes of JSON in
/// memory.
const MAX_JSON_BYTES: usize = 8 << 20;

/// Memory that each JSON value takes beside its text, and that each member of an object takes in addition.
const NODE_BYTES: usize = size_of::<Value>();
const MEMBER_BYTES: usize = 2 * size_of::<String>();

/// One key of a plugin's state, with its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StateEntryView {
    /// The key.
    pub key: String,
    /// How `key` is encoded, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// The value as JSON. Binary data is an object with the single member `base64`.
    #[schema(value_type = Value)]
    pub value: Value,
}

impl StateEntryView {
    /// Creates the entry of a key and its value.
    #[must_use]
    pub fn new(key: &[u8], value: &[u8]) -> Self {
        Self::measured(key, value).0
    }

    /// Like [`new`](Self::new), and also returns the memory that the entry takes, in bytes.
    #[must_use]
    pub fn measured(key: &[u8], value: &[u8]) -> (Self, usize) {
        let (key, encoding) = Encoding::of(key);
        let (value, bytes) = measured_json(value);
        let bytes = bytes + key.len() + size_of::<Self>();
        (Self { key, encoding, value }, bytes)
    }
}

/// How bytes are encoded as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Standard base64 with padding.
    Base64,
}

impl Encoding {
    /// Bytes as text: unchanged if they are UTF-8, otherwise encoded.
    #[must_use]
    pub fn of(bytes: &[u8]) -> (String, Option<Self>) {
        match str::from_utf8(bytes) {
            Ok(text) => (text.to_owned(), None),
            Err(_) => (STANDARD.encode(bytes), Some(Self::Base64)),
        }
    }

    /// The cursor that requests the entries after a key.
    #[must_use]
    pub fn cursor(key: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(key)
    }

    /// The key in such a cursor; `None` if the cursor is not valid.
    #[must_use]
    pub fn key(cursor: &str) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(cursor).ok()
    }
}

/// Converts a state value to JSON. MessagePack is translated. The value becomes `{"base64": "…"}` if it is
/// not MessagePack, is nested more than 64 levels deep, or would take more than 8 MiB.
#[must_use]
pub fn state_json(bytes: &[u8]) -> Value {
    measured_json(bytes).0
}

/// Like [`state_json`], and also returns the memory that the JSON takes, in bytes.
pub(crate) fn measured_json(bytes: &[u8]) -> (Value, usize) {
    let as_base64 = || (base64(bytes), NODE_BYTES + MEMBER_BYTES + bytes.len() / 3 * 4);
    message_pack(bytes).unwrap_or_else(as_base64)
}

/// A MessagePack value as JSON, with the memory that it takes; `None` if the bytes are none, or one that is
/// nested too deeply or too large.
pub(crate) fn message_pack(bytes: &[u8]) -> Option<(Value, usize)> {
    let left = Cell::new(MAX_JSON_BYTES);
    let mut reader = rmp_serde::Deserializer::new(io::Cursor::new(bytes));
    let value = (AsJson { depth: MAX_DEPTH, left: &left }).deserialize(&mut reader).ok()?;
    (reader.position() == bytes.len() as u64).then(|| (value, MAX_JSON_BYTES - left.get()))
}

fn base64(bytes: &[u8]) -> Value {
    json!({ "base64": STANDARD.encode(bytes) })
}

/// Builds JSON from the values of a MessagePack reader, down to `depth` levels and within the memory that is
/// `left`.
#[derive(Clone, Copy)]
struct AsJson<'l> {
    depth: u32,
    left: &'l Cell<usize>,
}

impl AsJson<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("nested too deeply"))?;
        Ok(Self { depth, ..self })
    }

    /// Takes the memory of a value whose text has `bytes` bytes.
    fn take<E: Error>(self, bytes: usize) -> Result<(), E> {
        let left = self.left.get().checked_sub(NODE_BYTES + bytes).ok_or_else(|| E::custom("too large"))?;
        self.left.set(left);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for AsJson<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AsJson<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessagePack")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.take(0)?;
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        self.take(0)?;
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.take(0)?;
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.take(0)?;
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.take(0)?;
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.take(0)?;
        // JSON has no infinities and no NaN.
        Ok(serde_json::Number::from_f64(value).map_or_else(|| value.to_string().into(), Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.take(value.len())?;
        Ok(value.into())
    }

    fn visit_bytes<E: Error>(self, value: &[u8]) -> Result<Value, E> {
        self.take(NODE_BYTES + MEMBER_BYTES + value.len() / 3 * 4)?;
        Ok(base64(value))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        // The reader passes MessagePack's extension types to this method, as a pair of type and bytes.
        self.deeper()?.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.take(0)?;
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        self.take(0)?;
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = members.next_key_seed(inner)? {
            let key = match key {
                Value::String(text) => text,
                other => other.to_string(),
            };
            // A key of another type has become text, which may be longer.
            inner.take(MEMBER_BYTES + key.len())?;
            map.insert(key, members.next_value_seed(inner)?);
        }
        Ok(map.into())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Value, A::Error> {
        Err(A::Error::custom("MessagePack has no enums"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[track_caller]
    fn check(value: impl Serialize, expected: Value) {
        assert_eq!(state_json(&rmp_serde::to_vec_named(&value).unwrap()), expected);
    }

    #[test]
    fn messagepack_becomes_the_same_json() {
        check(json!({"a": [1, -2, 1.5, null, true, "x"]}), json!({"a": [1, -2, 1.5, null, true, "x"]}));
        check(BTreeMap::from([(7, u64::MAX)]), json!({"7": u64::MAX}));
        check(f64::NAN, json!("NaN"));
        check(Bytes(vec![1]), json!({"base64": "AQ=="}));
    }

    #[test]
    fn what_is_no_messagepack_is_shown_as_base64() {
        assert_eq!(state_json(b"\x81"), json!({"base64": "gQ=="}));
        assert_eq!(state_json(b""), json!({"base64": ""}));
        assert_eq!(state_json(b"12"), json!({"base64": "MTI="}), "bytes are left after the first value");
        let deep = [vec![0x91; 100_000], vec![0xc0]].concat();
        assert!(state_json(&deep)["base64"].is_string());
    }

    #[test]
    fn a_value_that_is_small_and_would_be_large_json_is_shown_as_base64() {
        let nested = |items: usize| {
            let mut value = vec![0xdd];
            value.extend(u32::try_from(items).unwrap().to_be_bytes());
            value.extend(std::iter::repeat_n(0x90, items));
            value
        };
        assert_eq!(state_json(&nested(1_000)).as_array().map(Vec::len), Some(1_000));
        let (value, bytes) = measured_json(&nested(1_000_000));
        assert!(value["base64"].is_string() && bytes < 2 << 20, "{bytes}");
        let (_, bytes) = measured_json(&nested(100_000));
        assert!((NODE_BYTES * 100_000..MAX_JSON_BYTES).contains(&bytes), "{bytes}");
        // Keys become texts one in another.
        let mut keys = vec![0xc0];
        for _ in 0..40 {
            keys = [vec![0x81], keys, vec![0xc0]].concat();
        }
        assert!(measured_json(&keys).1 < MAX_JSON_BYTES);
    }

    #[test]
    fn keys_that_are_no_text_are_encoded() {
        let entry = StateEntryView::new(b"\xff", &[0xc0]);
        assert_eq!(
            serde_json::to_string(&entry).unwrap(),
            r#"{"key":"/w==","encoding":"base64","value":null}"#
        );
        let entry = StateEntryView::new("AA/größe".as_bytes(), &[0x2a]);
        assert_eq!(serde_json::to_string(&entry).unwrap(), r#"{"key":"AA/größe","value":42}"#);
    }

    /// Serialized as MessagePack's byte string.
    struct Bytes(Vec<u8>);

    impl Serialize for Bytes {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&self.0)
        }
    }
}
