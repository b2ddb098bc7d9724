//! Outgoing HTTP requests, for plugins with the capability `http`. Requires the feature `http`.
//!
//! A plugin that sends requests is a sink. It requests the capability with `capabilities = ["http"]` in its
//! `plugin.toml`, and its operator lists the permitted hosts, ports and methods. Calls are made at least
//! once, so send a value by which the receiver can recognise a repetition: the event's source and id.
//!
//! ```standalone_crate
//! use camshaft_sdk::{http::Request, prelude::*};
//!
//! #[handler("order.placed")]
//! fn tell(order: Event<Bytes>, ctx: &mut Context) -> Result {
//!     Request::post("https://hooks.internal/orders")
//!         .header("authorization", "Bearer {{secret:hook-token}}")
//!         .header("idempotency-key", &order.id)
//!         .body(order.data.0)
//!         .send(ctx)?
//!         .accepted()?;
//!     Ok(())
//! }
//! # use camshaft_sdk::{http::Response, testing::TestContext};
//! # fn main() -> Result {
//! # let mut ctx = TestContext::new().with_responses(|request| {
//! #     assert_eq!(request.method, "POST");
//! #     Ok(Response::new(202))
//! # });
//! # ctx.handle(Event::new("order.placed", Bytes::default()))
//! # }
//! ```
//!
//! The runtime inserts the secret; the plugin never sees it. A request that no rule allows fails, and the
//! dead letter names the missing rule.

use std::time::Duration;

use crate::{
    context::Context,
    error::{Error, Result},
};

/// Maximum number of bytes of a response body that are quoted in a reason.
const MAX_QUOTED_BYTES: usize = 300;

/// A request to send.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a request is sent by `.send(ctx)`"]
pub struct Request {
    /// The method, such as `POST`.
    pub method: String,
    /// The URL: scheme, host, port unless it is the scheme's default, path and query.
    pub url: String,
    /// The headers: names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The response to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status, such as 200.
    pub status: u16,
    /// The headers: names in lower case, and values. In a value that is not text, invalid bytes become
    /// replacement characters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// Creates a request with a method such as `"PUT"`.
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        Self { method: method.to_owned(), url: url.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// Creates a `GET` request.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// Creates a `POST` request.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// Adds a header. The runtime replaces `{{secret:name}}` in its value with the secret of that name.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the request and waits for the complete response. Returns the response for every status.
    ///
    /// # Errors
    /// A reject if a part of the request is not valid. A retry if no response was received. A request that no
    /// rule allows is also a retry, because the operator may add a rule.
    pub fn send(self, ctx: &Context) -> Result<Response> {
        // A component does not call through the context: that would link this code into plugins that never
        // send.
        #[cfg(target_family = "wasm")]
        let answer = {
            let _ = ctx;
            crate::guest::http::send(&self)
        };
        #[cfg(not(target_family = "wasm"))]
        let answer = ctx.host.send(&self);
        answer
    }
}

impl Response {
    /// Creates a response without headers and body, for tests.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// Returns the first header with that name. The name is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Returns the response if its status is 2xx.
    ///
    /// # Errors
    /// A retry for 408, 425, 429 and 5xx, because a later request may succeed. If `retry-after` is a number
    /// of seconds, the retry waits at least that long. A reject for every other status.
    pub fn accepted(self) -> Result<Self> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let reason = format!("the receiver answered {}{}", self.status, self.quoted());
        let passing = matches!(self.status, 408 | 425 | 429 | 500..=599);
        let after = self.header("retry-after").and_then(|seconds| seconds.trim().parse().ok());
        Err(match (passing, after) {
            (false, _) => Error::reject(reason),
            (true, None) => Error::retry(reason),
            (true, Some(seconds)) => Error::retry_after(Duration::from_secs(seconds), reason),
        })
    }

    /// The beginning of the body, which may explain the status to people.
    fn quoted(&self) -> String {
        let shown = self.body.get(..MAX_QUOTED_BYTES).unwrap_or(&self.body);
        match String::from_utf8_lossy(shown).trim() {
            "" => String::new(),
            text => format!(": {text}"),
        }
    }
}

/// The parts of a URL that a request needs.
#[cfg_attr(not(target_family = "wasm"), expect(dead_code, reason = "only a component parses URLs"))]
pub(crate) struct Url<'u> {
    pub tls: bool,
    pub authority: &'u str,
    pub path_with_query: &'u str,
}

/// Splits `url` into its parts. The host validates their contents.
#[cfg_attr(not(target_family = "wasm"), expect(dead_code, reason = "only a component parses URLs"))]
pub(crate) fn parts(url: &str) -> Result<Url<'_>> {
    let (tls, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => {
            return Err(Error::reject(format_args!("URL \"{url}\" does not start with https:// or http://")));
        }
    };
    let rest = rest.split('#').next().unwrap_or(rest);
    let (authority, path_with_query) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    match authority {
        "" => Err(Error::reject(format_args!("URL \"{url}\" has no host"))),
        _ => Ok(Url { tls, authority, path_with_query }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, retry_after: Option<&str>) -> String {
        let headers = retry_after.map(|after| ("retry-after".to_owned(), after.to_owned()));
        let response = Response { status, headers: headers.into_iter().collect(), body: b" no \n".to_vec() };
        response.accepted().map_or_else(|error| format!("{error:?}"), |_| "ok".to_owned())
    }

    #[test]
    fn what_may_pass_is_retried_when_the_receiver_says_and_all_else_is_rejected() {
        assert_eq!(outcome(204, None), "ok");
        assert_eq!(outcome(503, None), "retry: the receiver answered 503: no");
        assert_eq!(outcome(429, Some(" 7 ")), "retry after 7s: the receiver answered 429: no");
        assert_eq!(outcome(500, Some("tomorrow")), "retry: the receiver answered 500: no");
        assert_eq!(outcome(404, Some("7")), "reject: the receiver answered 404: no");
        assert_eq!(outcome(302, None), "reject: the receiver answered 302: no");
    }
}
