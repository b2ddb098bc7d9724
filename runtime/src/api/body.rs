//! Reads a request's body within a size and a time.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout, timeout_at};

use super::problem::Problem;
use crate::ErrorCode;

/// Longest pause between two parts of a body.
const MAX_PAUSE: Duration = Duration::from_secs(20);

/// Longest time for a whole body.
const MAX_DURATION: Duration = Duration::from_mins(5);

/// The value that a JSON body of at most `limit` bytes holds.
pub async fn json<T: DeserializeOwned>(headers: &HeaderMap, body: Body, limit: u64) -> Result<T, Problem> {
    let bytes = read(headers, body, limit).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Problem::invalid_request(
            "body",
            format!("the body is not the JSON that is expected: {error}"),
            "Send a JSON object; `/openapi.json` describes its members.",
        )
    })
}

/// The whole body, of at most `limit` bytes.
pub async fn read(headers: &HeaderMap, body: Body, limit: u64) -> Result<Vec<u8>, Problem> {
    let too_large = || {
        let detail = format!("the body is larger than {limit} bytes (setting `limits.max_request_bytes`)");
        Err(Problem::new(ErrorCode::RequestTooLarge, detail).limit(limit))
    };
    let declared =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit) {
        return too_large();
    }
    let end = Instant::now() + MAX_DURATION;
    let mut parts = body.into_data_stream();
    let mut bytes = Vec::new();
    loop {
        let part = match timeout_at(end, timeout(MAX_PAUSE, parts.next())).await {
            Ok(Ok(Some(Ok(part)))) => part,
            Ok(Ok(None)) => return Ok(bytes),
            Ok(Ok(Some(Err(error)))) => {
                let detail = format!("the body broke off: {error}");
                return Err(Problem::invalid_request("body", detail, "Send the whole body."));
            }
            Ok(Err(_)) | Err(_) => {
                let detail = "the body did not arrive in time";
                return Err(Problem::new(ErrorCode::RequestTimeout, detail));
            }
        };
        if (bytes.len() + part.len()) as u64 > limit {
            return too_large();
        }
        bytes.extend_from_slice(&part);
    }
}
