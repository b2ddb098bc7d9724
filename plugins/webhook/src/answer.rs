//! The receiver's answer as an event.

use std::str;

use base64::{Engine, engine::general_purpose::STANDARD};
use camshaft_sdk::{http::Response, prelude::*};
use serde::Serialize;
use serde_json::value::RawValue;

/// The published data. Of the three bodies there is at most one.
#[derive(Serialize)]
struct Answer<'r> {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'r RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_text: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

/// Publishes status and body: the body as it is if it is JSON, whatever its headers say, else as text or
/// base64.
pub fn publish(ctx: &Context, event_type: &str, response: &Response) -> Result {
    let text = str::from_utf8(&response.body);
    let json = text.ok().and_then(|text| serde_json::from_str::<&RawValue>(text).ok());
    let answer = Answer {
        status: response.status,
        body: json,
        body_text: text.ok().filter(|text| json.is_none() && !text.is_empty()),
        body_base64: text.is_err().then(|| STANDARD.encode(&response.body)),
    };
    ctx.publish(event_type, &answer)
}
