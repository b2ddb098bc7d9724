//! `OPTIONS /events`: the handshake of CloudEvents' webhooks, by which a sender asks whether it may deliver here.
//!
//! The guard has decided that already: a caller that gets here may publish.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

const REQUEST_ORIGIN: HeaderName = HeaderName::from_static("webhook-request-origin");
const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");
const ALLOWED_RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");

/// Methods of `/events`.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");

/// Tells a sender of webhooks that it may deliver.
///
/// With `WebHook-Request-Origin` the answer allows that origin, at any rate: how much is taken at a time is answered to
/// each delivery. A token, where one is needed, is needed here, too.
#[utoipa::path(
    options, path = "/events", tag = "events",
    params(("WebHook-Request-Origin" = Option<String>, Header, description = "The sender's DNS name")),
    responses(
        (status = 200, description = "It may deliver", headers(
            ("Allow" = String, description = "The methods of this path"),
            ("WebHook-Allowed-Origin" = String, description = "The origin that was asked for"),
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
