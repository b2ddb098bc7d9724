//! Responses: the memory that a response takes until it is sent.

use axum::{
    body::{Body, HttpBody, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use camshaft::ErrorCode;

use super::{
    Api,
    problem::Problem,
    room::{Lease, SMALL_BYTES},
};

/// Responses up to this size are not counted, such as problem documents and receipts of a few events.
const UNCOUNTED_BYTES: u64 = 4 << 10;

/// Takes memory for a complete response until it is sent. If there is no memory, the request fails as busy.
/// Streams take their own memory.
pub async fn bounded(State(api): State<Api>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let Some(bytes) = response.body().size_hint().exact().filter(|bytes| *bytes > UNCOUNTED_BYTES) else {
        return response;
    };
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    match api.room.take(bytes) {
        Ok(lease) => carried(response, lease).await,
        Err(full) => Problem::from(full).into_response(),
    }
}

async fn carried(response: Response, lease: Lease) -> Response {
    let (head, body) = response.into_parts();
    // The body is complete already, so this does not wait.
    match to_bytes(body, usize::MAX).await {
        Ok(bytes) => Response::from_parts(head, Body::from(lease.carry(bytes))),
        Err(error) => Problem::new(ErrorCode::Internal, error.to_string()).into_response(),
    }
}

const _: () = assert!(UNCOUNTED_BYTES < SMALL_BYTES as u64);
