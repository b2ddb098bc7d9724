//! Requests to the outside, for plugins that were granted `http`. Feature `http`.
//!
//! A plugin that sends requests is a sink: it asks with `capabilities = ["http"]` in its `plugin.toml`, and its
//! operator says which hosts, ports and methods it gets. Its calls are made at least once, so give the receiver
//! something to recognise a repetition by; the event's source and id do.
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
//! The runtime puts the secret in; the plugin never sees it. A request that no rule allows fails, and the dead
//! letter says which rule is missing.

use std::time::Duration;

use crate::{
    context::Context,
    error::{Error, Result},
};

/// Longest reason that is quoted of an answer's body, in bytes.
const MAX_QUOTED_BYTES: usize = 300;

/// A request in preparation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a request is sent by `.send(ctx)`"]
pub struct Request {
    /// Such as `POST`.
    pub method: String,
    /// Scheme, host, port if it is not the scheme's, path and query.
    pub url: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Such as 200.
    pub status: u16,
    /// Names in lower case, and values; a value that is no text stands as text all the same, with replacement
    /// characters.
    pub headers: Vec<(String, String)>,
    /// What was received.
    pub body: Vec<u8>,
}

impl Request {
    /// A request with a method such as `"PUT"`.
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        Self { method: method.to_owned(), url: url.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// A `GET` request.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// A `POST` request.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// Adds a header. `{{secret:name}}` in its value stands for a secret.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it and waits for the whole answer, whatever its status.
    ///
    /// # Errors
    /// A reject if the URL cannot be read; a retry if no answer came, also where no rule allows the request: the
    /// operator may add one.
    pub fn send(self, ctx: &Context) -> Result<Response> {
        // Not through the context in a component: there it would be linked into plugins that never send, too.
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
    /// An answer without headers and body; for tests.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// The first header of that name, in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The answer itself if its status is 2xx.
    ///
    /// # Errors
    /// A retry for what may go better later: 408, 425, 429 and 5xx, not before `retry-after` if that is a number of
    /// seconds. A reject for every other status.
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

    /// The beginning of the body, where people may find out why.
    fn quoted(&self) -> String {
        let shown = self.body.get(..MAX_QUOTED_BYTES).unwrap_or(&self.body);
        match String::from_utf8_lossy(shown).trim() {
            "" => String::new(),
            text => format!(": {text}"),
        }
    }
}

/// A URL in the parts that a request is made of.
#[cfg_attr(not(target_family = "wasm"), expect(dead_code, reason = "only a component takes a URL apart"))]
pub(crate) struct Url<'u> {
    pub tls: bool,
    pub authority: &'u str,
    pub path_with_query: &'u str,
}

/// Takes `url` apart; what each part may hold the host judges.
#[cfg_attr(not(target_family = "wasm"), expect(dead_code, reason = "only a component takes a URL apart"))]
pub(crate) fn parts(url: &str) -> Result<Url<'_>> {
    let (tls, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => {
            return Err(Error::reject(format_args!(
                "\"{url}\" begins neither with https:// nor with http://"
            )));
        }
    };
    let rest = rest.split('#').next().unwrap_or(rest);
    let (authority, path_with_query) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    match authority {
        "" => Err(Error::reject(format_args!("\"{url}\" names no host"))),
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
