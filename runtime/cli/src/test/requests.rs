//! Requests in fixtures: the answers that a case prepares, and what the handler sent beside what it had to send.

use http::{Request, Response};
use serde_json::{Map, Value, json};

use super::{
    case::listed,
    fixture::{List, RequestTable, ResponseTable},
};

/// The prepared answers.
pub fn answers(tables: &[ResponseTable]) -> Result<Vec<Response<Vec<u8>>>, String> {
    let answer = |table: &ResponseTable| {
        let head = Response::builder().status(table.status);
        let head = table.headers.iter().fold(head, |head, (name, value)| head.header(name, value));
        head.body(table.body.clone().into_bytes())
            .map_err(|error| format!("a response cannot be answered: {error}"))
    };
    tables.iter().map(answer).collect()
}

/// What had to be sent and what was. A request is compared by what the expected one names.
pub fn compared(expected: &List<RequestTable>, sent: &[Request<Vec<u8>>]) -> (Value, Value) {
    let shown = sent.iter().enumerate().map(|(at, request)| shown_as(expected.items.get(at), request));
    (listed(expected.items.iter().map(wanted), expected.is_open), shown.collect())
}

fn wanted(table: &RequestTable) -> Value {
    let headers: Map<String, Value> =
        table.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), json!(value))).collect();
    let mut members = json!({ "method": table.method, "url": table.url, "headers": headers });
    if let Some(body) = &table.body {
        members["body"] = body.0.clone();
    }
    members
}

/// What `table` names of `request`; what matters of one that nobody expected.
fn shown_as(table: Option<&RequestTable>, request: &Request<Vec<u8>>) -> Value {
    let is_named = |name: &str| {
        table.is_some_and(|table| table.headers.keys().any(|named| named.eq_ignore_ascii_case(name)))
    };
    let headers = request.headers().iter().filter(|(name, _)| is_named(name.as_str()));
    let headers: Map<String, Value> = headers
        .map(|(name, value)| (name.to_string(), json!(String::from_utf8_lossy(value.as_bytes()))))
        .collect();
    let mut members =
        json!({ "method": request.method().as_str(), "url": request.uri().to_string(), "headers": headers });
    if table.is_none_or(|table| table.body.is_some()) {
        let text = || json!(String::from_utf8_lossy(request.body()));
        members["body"] = serde_json::from_slice(request.body()).unwrap_or_else(|_| text());
    }
    members
}
