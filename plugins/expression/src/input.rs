//! An event as expressions see it, and what they give for it.

use base64::{Engine, engine::general_purpose::STANDARD};
use camshaft_sdk::prelude::*;
use jaq_json::{Map, Val};
use serde::Deserialize;

/// An event as the object `{id, source, type, subject, time, key, datacontenttype, dataschema, extensions,
/// data}`.
///
/// What the event does not have is null. `key` is the ordering key: the partition key, else the subject.
/// `extensions` is an object of texts. `data` is decoded if it is JSON or MessagePack; all other data is a
/// text in base64.
pub struct Input(pub(crate) Val);

/// Data that is JSON, or MessagePack with values that JSON has.
#[derive(Deserialize)]
struct Json(Val);

impl Input {
    /// What expressions see of `event`.
    ///
    /// # Errors
    /// A reject if the data is not what its media type says.
    pub fn of(event: &Event<Bytes>) -> Result<Self> {
        let data = match event.encoding() {
            Some(_) => event.clone().decode::<Json>()?.data.0,
            None => text(STANDARD.encode(&event.data.0)),
        };
        let optional = |value: Option<&str>| value.map_or(Val::Null, text);
        let extensions =
            event.extensions.iter().map(|(name, value)| (text(name.as_str()), text(value.as_str())));
        let members = [
            ("id", text(event.id.as_str())),
            ("source", text(event.source.as_str())),
            ("type", text(event.event_type.as_str())),
            ("subject", optional(event.subject.as_deref())),
            ("time", optional(event.time.as_deref())),
            ("key", optional(event.key())),
            ("datacontenttype", optional(event.datacontenttype.as_deref())),
            ("dataschema", optional(event.dataschema.as_deref())),
            ("extensions", Val::obj(extensions.collect::<Map>())),
            ("data", data),
        ];
        Ok(Self(Val::obj(members.into_iter().map(|(name, value)| (text(name), value)).collect())))
    }
}

impl Input {
    /// The same with one more member: `output`, what another expression gave for it.
    #[must_use]
    pub fn with_output(&self, output: &Output) -> Self {
        let Val::Obj(members) = &self.0 else { unreachable!("an input is an object") };
        let mut members = Map::clone(members);
        members.insert(text("output"), output.0.clone());
        Self(Val::obj(members))
    }
}

/// A value that an expression gave, which JSON has as well.
#[derive(Debug)]
pub struct Output(pub(crate) Val);

impl Output {
    /// The value as JSON.
    #[must_use]
    pub fn json(&self) -> Bytes {
        Bytes(self.0.to_string().into_bytes())
    }
}

fn text(value: impl Into<String>) -> Val {
    Val::from(value.into())
}
