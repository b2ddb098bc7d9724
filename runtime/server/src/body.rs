//! Reads and decodes request bodies, within limits on size and time and within the shared [`Room`].

mod coding;

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use camshaft::ErrorCode;
use camshaft_event::Limit;
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout, timeout_at};

pub use coding::Coding;

use super::{
    Api,
    problem::Problem,
    room::{Lease, Room, SMALL_BYTES},
};

/// Maximum pause between two parts of a body.
const MAX_PAUSE: Duration = Duration::from_secs(20);

/// Maximum time for a whole body.
const MAX_DURATION: Duration = Duration::from_mins(5);

/// Additional memory for reading a body that is not small: parts that have arrived and are not copied yet.
const IN_TRANSIT_BYTES: usize = 64 << 10;

/// Memory that a body takes for each of its bytes: the byte itself, and its parsed form.
const COPIES: usize = 2;

/// A received body, and the lease of its memory.
#[derive(Debug)]
pub struct Received {
    pub bytes: Vec<u8>,
    pub lease: Lease,
}

/// The memory that a body of `bytes` takes, in bytes.
pub const fn cost(bytes: usize) -> usize {
    let transit = if bytes * COPIES > SMALL_BYTES { IN_TRANSIT_BYTES } else { 0 };
    bytes * COPIES + transit
}

/// Reads and parses a JSON body.
pub async fn json<T: DeserializeOwned>(api: &Api, headers: &HeaderMap, body: Body) -> Result<T, Problem> {
    let received = read(&api.room, headers, body, api.settings.max_request_bytes).await?;
    serde_json::from_slice(&received.bytes).map_err(|error| {
        Problem::invalid_request(
            "body",
            format!("the body is not valid JSON for this request: {error}"),
            "Send a JSON object; see `/openapi.json` for its members.",
        )
    })
}

/// Reads and decodes a whole body. Both the received and the decoded body may have at most `limit` bytes.
///
/// # Errors
/// The coding is not supported, or the body does not have it. The body is too large or too slow, or there is
/// no memory for it.
pub async fn read(
    room: &Arc<Room>,
    headers: &HeaderMap,
    body: Body,
    limit: u64,
) -> Result<Received, Problem> {
    let coding = Coding::of(headers)?;
    let received = read_coded(room, headers, body, limit).await?;
    let Some(coding) = coding else { return Ok(received) };
    // Decoding may take long, so it runs on a blocking thread.
    let decoded = tokio::task::spawn_blocking(move || coding.decode(received, limit)).await;
    decoded.unwrap_or_else(|error| Err(Problem::new(ErrorCode::Internal, error.to_string())))
}

fn too_large(limit: u64) -> Problem {
    let detail = format!("the body is larger than {limit} bytes ({})", Limit::Request.raised_by());
    Problem::new(ErrorCode::RequestTooLarge, detail).limit(limit)
}

/// Reads a body without decoding it. If the length is declared, the memory is taken before the body is read;
/// otherwise it is taken as the body arrives.
async fn read_coded(
    room: &Arc<Room>,
    headers: &HeaderMap,
    body: Body,
    limit: u64,
) -> Result<Received, Problem> {
    let declared =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let declared = usize::try_from(declared.unwrap_or_default()).unwrap_or(usize::MAX);
    let mut lease = room.take(cost(declared))?;
    let end = Instant::now() + MAX_DURATION;
    let mut parts = body.into_data_stream();
    let mut bytes = Vec::new();
    loop {
        let part = match timeout_at(end, timeout(MAX_PAUSE, parts.next())).await {
            Ok(Ok(Some(Ok(part)))) => part,
            Ok(Ok(None)) => return Ok(Received { bytes, lease }),
            Ok(Ok(Some(Err(error)))) => {
                let detail = format!("the body is incomplete: {error}");
                return Err(Problem::invalid_request("body", detail, "Send the whole body."));
            }
            Ok(Err(_)) | Err(_) => {
                let detail = "the body did not arrive in time";
                return Err(Problem::new(ErrorCode::RequestTimeout, detail));
            }
        };
        let length = bytes.len() + part.len();
        if length as u64 > limit {
            return Err(too_large(limit));
        }
        if cost(length) > lease.bytes() {
            lease.grow(cost(length) - lease.bytes())?;
        }
        bytes.extend_from_slice(&part);
    }
}
