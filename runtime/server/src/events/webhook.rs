//! `OPTIONS /events`: the handshake of CloudEvents webhooks, in which a sender asks for permission to
//! deliver.
//!
//! The access check has run before: a caller that reaches this route may publish.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

const REQUEST_ORIGIN: HeaderName = HeaderName::from_static("webhook-request-origin");
const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");
const ALLOWED_RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");

/// The methods of `/events`.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");

/// Allows a sender of webhooks to deliver.
///
/// With `WebHook-Request-Origin` the response allows that origin at any rate; an overloaded runtime rejects
/// single deliveries instead. If the runtime requires a token, this request also requires it.
#[utoipa::path(
    options, path = "/events", tag = "events",
    params(("WebHook-Request-Origin" = Option<String>, Header, description = "The sender's DNS name")),
    responses(
        (status = 200, description = "The sender may deliver", headers(
            ("Allow" = String, description = "The methods of this path"),
            ("WebHook-Allowed-Origin" = String, description = "The requested origin"),
            ("WebHook-Allowed-Rate" = String, description = "`*`: any rate"),
        )),
    )
)]
pub async fn handshake(headers: HeaderMap) -> Response {
    let mut answer = (StatusCode::OK, [(header::ALLOW, METHODS)]).into_response();
    if let Some(origin) = headers.get(REQUEST_ORIGIN) {
        let headers = answer.headers_mut();
        headers.insert(ALLOWED_ORIGIN, origin.clone());
        headers.insert(ALLOWED_RATE, HeaderValue::from_static("*"));
    }
    answer
}
