//! The access check. With a token, callers must send it. Without a token, only programs on this machine and
//! web pages of allowed origins may call. Listening on loopback alone does not protect against web pages.

mod authority;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use camshaft::{ErrorCode, Token};

use super::{Api, ApiSettings, problem::Problem};
use authority::only;

/// Rejects callers that may not call, and adds the headers that browsers need to the responses of allowed
/// origins.
pub async fn guard(State(api): State<Api>, request: Request, next: Next) -> Response {
    let settings = &api.settings;
    let origin = only(request.headers(), &header::ORIGIN).ok().flatten().cloned();
    let allowed = origin.filter(|origin| is_allowed(settings, origin));
    let response = if request.method() == Method::OPTIONS && allowed.is_some() {
        // A preflight request of a browser. It never carries the token.
        preflight()
    } else {
        match check(settings, &request) {
            Ok(()) => next.run(request).await,
            Err(problem) => problem.into_response(),
        }
    };
    match allowed {
        Some(origin) => readable_by(origin, response),
        None => response,
    }
}

fn check(settings: &ApiSettings, request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    if let Some(token) = &settings.token {
        if request.uri().path() == "/health" || is_authorized(token, headers) {
            return Ok(());
        }
        let detail = if bearer(headers).is_none() {
            "the request carries no token"
        } else {
            "the token is not the runtime's"
        };
        let realm = HeaderValue::from_static("Bearer realm=\"camshaft\"");
        return Err(Problem::new(ErrorCode::Unauthorized, detail).header(header::WWW_AUTHENTICATE, realm));
    }
    authority::check(request.uri(), headers).map_err(|named| {
        Problem::new(ErrorCode::HostNotAllowed, format!("the request is addressed to {named}"))
    })?;
    let refuse = |origin: &str| {
        Err(Problem::new(ErrorCode::OriginNotAllowed, format!("a web page of {origin} sent the request")))
    };
    match only(headers, &header::ORIGIN) {
        Ok(Some(origin)) if !is_allowed(settings, origin) => {
            refuse(&String::from_utf8_lossy(origin.as_bytes()))
        }
        Ok(_) => Ok(()),
        Err(authority::Several) => refuse("several origins"),
    }
}

/// Whether a request carries the runtime's token.
pub(super) fn is_authorized(token: &Token, headers: &HeaderMap) -> bool {
    bearer(headers).is_some_and(|given| token.is(given))
}

/// The token in a request; none if the request has none or several.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let given = only(headers, &header::AUTHORIZATION).ok()??.as_bytes();
    let (scheme, token) = given.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

fn is_allowed(settings: &ApiSettings, origin: &HeaderValue) -> bool {
    settings.allowed_origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
}

fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, DELETE"),
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
