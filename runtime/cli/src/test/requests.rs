//! Requests in fixtures: the responses that a case prepares, and the comparison of sent with expected
//! requests.

use http::{Request, Response};
use serde_json::{Map, Value, json};

use super::{
    case::listed,
    fixture::{List, RequestTable, ResponseTable},
};

/// The prepared responses.
pub fn answers(tables: &[ResponseTable]) -> Result<Vec<Response<Vec<u8>>>, String> {
    let answer = |table: &ResponseTable| {
        let head = Response::builder().status(table.status);
        let head = table.headers.iter().fold(head, |head, (name, value)| head.header(name, value));
        head.body(table.body.clone().into_bytes())
            .map_err(|error| format!("a prepared response is invalid: {error}"))
    };
    tables.iter().map(answer).collect()
}

/// The expected and the sent requests. A request is compared by the parts that the expected request names.
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

/// The parts of `request` that `table` names; the main parts if the request is unexpected.
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
