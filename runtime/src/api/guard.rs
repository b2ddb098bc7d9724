//! Who may call. With a token: whoever knows it. Without one: programs on this machine, and web pages of
//! allowed origins; loopback alone is no boundary against web pages.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Api, ApiSettings, problem::Problem};
use crate::ErrorCode;

/// Answers in place of the routes where the caller may not call, and adds what a browser needs where it may.
pub async fn guard(State(api): State<Api>, request: Request, next: Next) -> Response {
    let settings = &api.settings;
    let origin = request.headers().get(header::ORIGIN).cloned();
    let allowed = origin.filter(|origin| is_allowed(settings, origin));
    let response = if request.method() == Method::OPTIONS && allowed.is_some() {
        // A browser's question before the request itself; it never carries the token.
        preflight()
    } else {
        match check(settings, request.headers(), request.uri().path()) {
            Ok(()) => next.run(request).await,
            Err(problem) => problem.into_response(),
        }
    };
    match allowed {
        Some(origin) => readable_by(origin, response),
        None => response,
    }
}

fn check(settings: &ApiSettings, headers: &HeaderMap, path: &str) -> Result<(), Problem> {
    if let Some(token) = &settings.token {
        let given = headers.get(header::AUTHORIZATION).map_or(&b""[..], HeaderValue::as_bytes);
        let given = given.split_at_checked(7).filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"Bearer "));
        if path == "/health" || given.is_some_and(|(_, given)| token.is(given)) {
            return Ok(());
        }
        let detail =
            if given.is_none() { "the request carries no token" } else { "the token is not the runtime's" };
        let realm = HeaderValue::from_static("Bearer realm=\"camshaft\"");
        return Err(Problem::new(ErrorCode::Unauthorized, detail).header(header::WWW_AUTHENTICATE, realm));
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_loopback(host) {
        let detail = format!("the request is addressed to host \"{host}\"");
        return Err(Problem::new(ErrorCode::HostNotAllowed, detail));
    }
    match headers.get(header::ORIGIN) {
        Some(origin) if !is_allowed(settings, origin) => {
            let detail = format!("a web page of {} called", String::from_utf8_lossy(origin.as_bytes()));
            Err(Problem::new(ErrorCode::OriginNotAllowed, detail))
        }
        _ => Ok(()),
    }
}

fn is_allowed(settings: &ApiSettings, origin: &HeaderValue) -> bool {
    settings.allowed_origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
}

/// Whether a `Host` names this machine by its loopback, with or without a port.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "*, authorization"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

fn readable_by(origin: HeaderValue, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_name(HeaderName::from_static("origin")));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_by_its_names() {
        for host in ["localhost", "LocalHost:4077", "127.0.0.1:4077", "127.9.9.9", "[::1]:4077", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com:80",
            "10.0.0.1",
            "[::2]:1",
            "0.0.0.0",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
