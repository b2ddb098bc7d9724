//! Encodes and decodes event data: JSON or MessagePack by `datacontenttype`, any other type as [`Bytes`].
//!
//! State values do not use this module. They are always MessagePack (see `state.rs`).

use std::any::type_name;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::{Error, Result},
    event::Bytes,
};

/// The encodings that the SDK reads and writes for handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/json`, `…+json`, and data without a media type.
    Json,
    /// `application/msgpack`, `…+msgpack`, and its older names.
    MessagePack,
}

impl Encoding {
    /// The encoding of a media type, if the SDK supports it.
    pub(crate) fn of(datacontenttype: Option<&str>) -> Option<Self> {
        let Some(text) = datacontenttype else { return Some(Self::Json) };
        let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" | "text/json" => Some(Self::Json),
            "application/msgpack" | "application/x-msgpack" | "application/vnd.msgpack" => {
                Some(Self::MessagePack)
            }
            _ if essence.ends_with("+json") => Some(Self::Json),
            _ if essence.ends_with("+msgpack") => Some(Self::MessagePack),
            _ => None,
        }
    }
}

/// Types that event data can be decoded into: every owned type that serde can deserialize, and [`Bytes`].
#[diagnostic::on_unimplemented(
    message = "event data cannot be decoded as `{Self}`",
    label = "derive `serde::Deserialize` for it, or take `Event<Bytes>`"
)]
pub trait Decode: Sized {
    /// Decodes `bytes` of the given media type.
    ///
    /// # Errors
    /// The reason as text, without the event's type.
    fn decode(datacontenttype: Option<&str>, bytes: Bytes) -> Result<Self, String>;
}

impl Decode for Bytes {
    fn decode(_: Option<&str>, bytes: Bytes) -> Result<Self, String> {
        Ok(bytes)
    }
}

impl<T: DeserializeOwned> Decode for T {
    fn decode(datacontenttype: Option<&str>, Bytes(bytes): Bytes) -> Result<Self, String> {
        // An event without data is decoded as null.
        match (Encoding::of(datacontenttype), bytes.is_empty()) {
            (Some(Encoding::Json), true) => serde_json::from_str("null").map_err(|e| e.to_string()),
            (Some(Encoding::Json), false) => {
                serde_json::from_slice(without_mark(&bytes)).map_err(|e| e.to_string())
            }
            (Some(Encoding::MessagePack), true) => rmp_serde::from_slice(&[0xc0]).map_err(|e| e.to_string()),
            (Some(Encoding::MessagePack), false) => rmp_serde::from_slice(&bytes).map_err(|e| e.to_string()),
            (None, _) => Err(format!(
                "`{}` is neither JSON nor MessagePack; take `Event<Bytes>` for other data",
                datacontenttype.unwrap_or_default()
            )),
        }
    }
}

/// Types that can be published as event data: every type that serde can serialize, and [`Bytes`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be published as event data",
    label = "derive `serde::Serialize` for it, or publish `Bytes`"
)]
pub trait Encode {
    /// Encodes the value as the given media type, or as JSON if it is absent.
    ///
    /// # Errors
    /// The reason as text, without the event's type.
    fn encode(&self, datacontenttype: Option<&str>) -> Result<Vec<u8>, String>;
}

impl Encode for Bytes {
    fn encode(&self, _: Option<&str>) -> Result<Vec<u8>, String> {
        Ok(self.0.clone())
    }
}

impl<T: Serialize + ?Sized> Encode for T {
    fn encode(&self, datacontenttype: Option<&str>) -> Result<Vec<u8>, String> {
        match Encoding::of(datacontenttype) {
            Some(Encoding::Json) => serde_json::to_vec(self).map_err(|e| e.to_string()),
            Some(Encoding::MessagePack) => rmp_serde::to_vec_named(self).map_err(|e| e.to_string()),
            None => Err(format!(
                "`{}` is neither JSON nor MessagePack; publish `Bytes` for other data",
                datacontenttype.unwrap_or_default()
            )),
        }
    }
}

/// Strips the byte order mark that some programs write before JSON.
fn without_mark(json: &[u8]) -> &[u8] {
    json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json)
}

/// Decodes the data of an event of `event_type`. A failure is a reject.
pub(crate) fn decode<T: Decode>(event_type: &str, datacontenttype: Option<&str>, bytes: Bytes) -> Result<T> {
    T::decode(datacontenttype, bytes).map_err(|reason| {
        Error::reject(format_args!(
            "data of `{event_type}` cannot be decoded as {}: {reason}",
            short_name::<T>()
        ))
    })
}

/// A type's name without its path, as the author wrote it: `Vec<Order>`, not
/// `alloc::vec::Vec<shop::Order>`.
pub(crate) fn short_name<T>() -> String {
    let mut short = String::new();
    for part in type_name::<T>().split_inclusive(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
        let name = part.rsplit("::").next().unwrap_or(part);
        short.push_str(name);
    }
    short
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Order {
        sku: String,
        quantity: u32,
    }

    fn order() -> Order {
        Order { sku: "b-7".to_owned(), quantity: 2 }
    }

    #[test]
    fn a_byte_order_mark_before_json_is_skipped() {
        let bytes = b"\xef\xbb\xbf{\"sku\":\"b-7\",\"quantity\":2}".to_vec();
        assert_eq!(Order::decode(None, Bytes(bytes)), Ok(order()));
    }

    #[test]
    fn data_is_json_or_messagepack_by_its_media_type() {
        for media_type in [
            None,
            Some("application/json; charset=utf-8"),
            Some("application/vnd.shop+json"),
            Some("application/msgpack"),
            Some("Application/X-Msgpack"),
        ] {
            let bytes = order().encode(media_type).unwrap();
            assert_eq!(bytes.starts_with(b"{"), media_type.is_none_or(|m| m.contains("json")));
            assert_eq!(Order::decode(media_type, Bytes(bytes)).unwrap(), order());
        }
    }

    #[test]
    fn undecodable_data_is_rejected_with_type_and_place() {
        let wrong = Bytes(br#"{"sku": "b-7", "quantity": "two"}"#.to_vec());
        let error = decode::<Order>("order.placed", None, wrong.clone()).unwrap_err();
        assert!(error.is_reject());
        assert_eq!(
            error.reason(),
            "data of `order.placed` cannot be decoded as Order: invalid type: string \"two\", expected u32 at line 1 \
             column 32"
        );
        let error = decode::<Vec<Option<Order>>>("order.placed", Some("image/png"), wrong).unwrap_err();
        assert_eq!(
            error.reason(),
            "data of `order.placed` cannot be decoded as Vec<Option<Order>>: `image/png` is neither JSON nor \
             MessagePack; take `Event<Bytes>` for other data"
        );
    }

    #[test]
    fn bytes_take_any_media_type_as_they_are() {
        let bytes = Bytes(vec![0x89, b'P', b'N', b'G']);
        assert_eq!(decode::<Bytes>("photo.taken", Some("image/png"), bytes.clone()).unwrap(), bytes);
        assert_eq!(bytes.encode(Some("image/png")).unwrap(), bytes.0);
    }

    #[test]
    fn absent_data_reads_as_null() {
        for media_type in [None, Some("application/msgpack")] {
            assert_eq!(Option::<Order>::decode(media_type, Bytes::default()).unwrap(), None);
            Order::decode(media_type, Bytes::default()).unwrap_err();
        }
    }
}
