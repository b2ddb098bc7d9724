//! The client of the HTTP interface. Most commands use it.

use std::{
    io::{self, BufRead, BufReader},
    time::Duration,
};

use camshaft::io_reason;
use camshaft_event::{cloudevents, without_users};
use camshaft_wire::{CommandView, ErrorCode, Health, PROBLEM_MEDIA_TYPE, Page, ProblemDocument};
use clap::Args;
use serde::{Serialize, de::DeserializeOwned};
use ureq::{
    Agent, Body, RequestBuilder,
    http::{Response, StatusCode, Uri, header},
};

use super::failure::Failure;

/// Longest time to connect to the runtime, and to receive the head of a response; a publish waits for a sync.
const MAX_CONNECT: Duration = Duration::from_secs(5);
const MAX_ANSWER: Duration = Duration::from_mins(1);

/// Largest response body that is read into memory, in bytes.
const MAX_ANSWER_BYTES: u64 = 256 << 20;

/// Items per request.
const PAGE: u64 = 1_000;

/// Which runtime to connect to.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    /// Address of the runtime's HTTP interface
    #[arg(
        long,
        value_name = "URL",
        env = "CAMSHAFT_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:4077",
        global = true
    )]
    url: String,

    /// Access token of the runtime
    #[arg(long, value_name = "TOKEN", env = "CAMSHAFT_TOKEN", hide_env_values = true, global = true)]
    token: Option<String>,
}

/// The same options before the command's name, for users who edit only the end of the line.
#[derive(Clone, Debug, Args)]
pub struct OuterConnection {
    /// Address of the runtime's HTTP interface, for commands that connect to a runtime
    #[arg(long = "url", id = "outer-url", value_name = "URL", hide = true)]
    url: Option<String>,

    /// Access token of the runtime
    #[arg(long = "token", id = "outer-token", value_name = "TOKEN", hide = true)]
    token: Option<String>,
}

impl Connection {
    /// Merges in the options given before the command's name, which take precedence.
    pub fn or(self, outer: &OuterConnection) -> Self {
        Self { url: outer.url.clone().unwrap_or(self.url), token: outer.token.clone().or(self.token) }
    }
}

impl OuterConnection {
    pub const fn is_given(&self) -> bool {
        self.url.is_some() || self.token.is_some()
    }
}

/// A runtime that is reached over HTTP.
pub struct Client {
    agent: Agent,
    base: String,
    /// The base address without user names and passwords, for messages.
    shown: String,
    token: Option<String>,
    is_local: bool,
}

/// Why a request did not succeed.
#[derive(Debug)]
pub enum Refusal {
    /// A problem document.
    Problem {
        /// The document that the runtime sent.
        document: Box<ProblemDocument>,
        /// When to send the request again.
        retry_after: Option<Duration>,
    },
    /// No runtime answered, or the answer was not the expected one.
    Failure(Failure),
}

impl Client {
    /// Creates a client of the runtime that the arguments name. Sends nothing.
    pub fn new(connection: &Connection) -> Result<Self, Failure> {
        let base = connection.url.trim_end_matches('/').to_owned();
        let shown = without_users(&base).into_owned();
        let wrong = |problem: &str| {
            Failure::new(
                ErrorCode::WrongUsage,
                format!("\"{shown}\" is not the address of a runtime: {problem}"),
            )
            .hint("Use an address such as http://127.0.0.1:4077.")
        };
        let uri: Uri = base.parse().map_err(|_| wrong("it is not a URL"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(wrong("it does not start with http:// or https://"));
        }
        let host = uri.host().unwrap_or_default();
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(MAX_CONNECT))
            .timeout_recv_response(Some(MAX_ANSWER))
            .user_agent(concat!("camshaft/", env!("CARGO_PKG_VERSION")));
        let is_local = matches!(host, "localhost" | "[::1]") || host.starts_with("127.");
        if is_local {
            // A proxy cannot reach the loopback address of this machine.
            config = config.proxy(None);
        }
        // An empty variable means that there is no token.
        let token = connection.token.as_deref().map(str::trim).filter(|token| !token.is_empty());
        Ok(Self { agent: config.build().into(), base, shown, token: token.map(str::to_owned), is_local })
    }

    /// Gets a value.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.try_get(path).map_err(Refusal::into_failure)
    }

    /// Gets the first `limit` items of a listing, page by page. `parameters` excludes `limit` and `cursor`.
    pub fn pages<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, Option<String>)],
        limit: usize,
    ) -> Result<Vec<T>, Failure> {
        let mut items = Vec::new();
        let mut cursor = None;
        loop {
            let mut parameters = parameters.to_vec();
            parameters.extend([("limit", Some(PAGE.to_string())), ("cursor", cursor)]);
            let page: Page<T> = self.get(&query(path, &parameters))?;
            items.extend(page.items);
            cursor = page.next;
            if cursor.is_none() || items.len() >= limit {
                items.truncate(limit);
                return Ok(items);
            }
        }
    }

    /// Gets a value, or the reason why the request failed.
    pub fn try_get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refusal> {
        let response = self.call(path, "application/json")?;
        self.value(response)
    }

    /// Gets the health of the runtime, even if it accepts no events.
    pub fn health(&self) -> Result<Health, Failure> {
        let answer = self.request(self.agent.get(self.url("/health"))).call();
        let response = match answer {
            Ok(response)
                if response.status() == StatusCode::SERVICE_UNAVAILABLE && !is_problem(&response) =>
            {
                Ok(response)
            }
            other => self.checked(other),
        };
        response.and_then(|response| self.value(response)).map_err(Refusal::into_failure)
    }

    /// Gets bytes.
    pub fn bytes(&self, path: &str, accept: &str) -> Result<Vec<u8>, Failure> {
        let mut response = self.call(path, accept).map_err(Refusal::into_failure)?;
        let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES);
        body.read_to_vec().map_err(|error| self.unreachable(&error))
    }

    /// Streams the lines of a response.
    pub fn lines(&self, path: &str) -> Result<impl Iterator<Item = Result<String, Failure>>, Failure> {
        let response = self.call(path, "application/x-ndjson").map_err(Refusal::into_failure)?;
        let lines = BufReader::new(response.into_body().into_reader()).lines();
        let base = self.shown.clone();
        Ok(lines.map(move |line| {
            line.map_err(|error| {
                let message = format!("the response from {base} was cut off: {}", io_reason(&error));
                Failure::new(ErrorCode::Unreachable, message)
            })
        }))
    }

    /// Posts a body and gets a value.
    pub fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        content_type: &str,
        body: &str,
    ) -> Result<T, Refusal> {
        let request =
            self.request(self.agent.post(self.url(path))).header(header::CONTENT_TYPE, content_type);
        let response = self.checked(request.send(body))?;
        self.value(response)
    }

    /// Sends a command, and waits up to `wait` for its answer.
    pub fn send(&self, command: &str, wait: Duration) -> Result<CommandView, Refusal> {
        let prefer = match wait.as_millis().div_ceil(1_000) {
            0 => "respond-async".to_owned(),
            seconds => format!("wait={seconds}"),
        };
        let request = self.request(self.agent.post(self.url("/commands"))).header("prefer", prefer);
        let request = request.header(header::CONTENT_TYPE, cloudevents::MEDIA_TYPE);
        let response = self.checked(request.send(command))?;
        self.value(response)
    }

    /// Posts a value as JSON and gets one.
    pub fn post_json<T: DeserializeOwned>(&self, path: &str, value: &impl Serialize) -> Result<T, Failure> {
        let body = serde_json::to_string(value).expect("request bodies serialize to JSON");
        self.post(path, "application/json", &body).map_err(Refusal::into_failure)
    }

    /// Uploads a file to `path`.
    pub fn put_file(&self, path: &str, content: &[u8]) -> Result<(), Failure> {
        let request = self.agent.put(self.url(path)).config().timeout_recv_response(Some(MAX_ANSWER)).build();
        let request = self.request(request).header(header::CONTENT_TYPE, "application/octet-stream");
        self.checked(request.send(content)).map(drop).map_err(Refusal::into_failure)
    }

    /// Whether the runtime's address is on this machine.
    pub fn is_local(&self) -> bool {
        self.is_local
    }

    /// Posts an empty body, to trigger an action.
    pub fn act(&self, path: &str) -> Result<(), Refusal> {
        self.checked(self.request(self.agent.post(self.url(path))).send_empty()).map(drop)
    }

    /// Deletes a resource.
    pub fn delete(&self, path: &str) -> Result<(), Failure> {
        let answer = self.request(self.agent.delete(self.url(path))).call();
        self.checked(answer).map(drop).map_err(Refusal::into_failure)
    }

    fn call(&self, path: &str, accept: &str) -> Result<Response<Body>, Refusal> {
        self.checked(self.request(self.agent.get(self.url(path))).header(header::ACCEPT, accept).call())
    }

    /// Adds the token to the request, if there is one.
    fn request<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn checked(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>, Refusal> {
        let mut response = answer.map_err(|error| Refusal::Failure(self.unreachable(&error)))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after =
            retry_after.and_then(|seconds| seconds.to_str().ok()?.parse().ok()).map(Duration::from_secs);
        let status = response.status();
        let document = response.body_mut().read_to_vec().ok();
        let document = document.and_then(|body| serde_json::from_slice::<ProblemDocument>(&body).ok());
        match document.filter(|document| ErrorCode::from_urn(&document.urn).is_some()) {
            Some(document) => Err(Refusal::Problem { document: Box::new(document), retry_after }),
            None => Err(Refusal::Failure(self.unexpected(&format!("status {status}")))),
        }
    }

    fn value<T: DeserializeOwned>(&self, mut response: Response<Body>) -> Result<T, Refusal> {
        let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec();
        let body = body.map_err(|error| Refusal::Failure(self.unreachable(&error)))?;
        serde_json::from_slice(&body).map_err(|error| Refusal::Failure(self.unexpected(&error.to_string())))
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let reason = match error {
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                "connection refused".to_owned()
            }
            ureq::Error::Io(error) => io_reason(error),
            ureq::Error::HostNotFound => "host not found".to_owned(),
            ureq::Error::Timeout(_) => "timed out".to_owned(),
            other => other.to_string(),
        };
        Failure::new(ErrorCode::Unreachable, format!("no runtime answers at {}: {reason}", self.shown))
    }

    fn unexpected(&self, reason: &str) -> Failure {
        Failure::new(ErrorCode::UnexpectedAnswer, format!("unexpected answer from {}: {reason}", self.shown))
    }
}

impl Refusal {
    /// Converts it into the failure that ends the command.
    pub fn into_failure(self) -> Failure {
        match self {
            Self::Failure(failure) => failure,
            Self::Problem { document, .. } => {
                let code = ErrorCode::from_urn(&document.urn).unwrap_or(ErrorCode::UnexpectedAnswer);
                Failure::new(code, document.detail).hint(document.hint)
            }
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

fn is_problem(response: &Response<Body>) -> bool {
    response.body().mime_type() == Some(PROBLEM_MEDIA_TYPE)
}

/// A path of these segments, percent-encoded.
pub fn path(segments: &[&str]) -> String {
    segments.iter().fold(String::new(), |path, segment| path + "/" + &encoded(segment.as_bytes()))
}

/// A path with the parameters that have a value.
pub fn query(path: &str, parameters: &[(&str, Option<String>)]) -> String {
    let mut text = path.to_owned();
    let mut separator = '?';
    for (name, value) in parameters {
        if let Some(value) = value {
            text = format!("{text}{separator}{name}={}", encoded(value.as_bytes()));
            separator = '&';
        }
    }
    text
}

fn encoded(bytes: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encode =
        |byte: &u8| if plain(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") };
    bytes.iter().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(url: &str) -> Connection {
        Connection { url: url.to_owned(), token: None }
    }

    #[test]
    fn paths_and_queries_are_encoded() {
        assert_eq!(path(&["state", "stock", "AA/größe 1"]), "/state/stock/AA%2Fgr%C3%B6%C3%9Fe%201");
        let parameters =
            [("type", Some("order.*".to_owned())), ("subject", None), ("from", Some("1".to_owned()))];
        assert_eq!(query("/events", &parameters), "/events?type=order.%2A&from=1");
        assert_eq!(query("/events", &[("subject", None)]), "/events");
    }

    #[test]
    fn a_password_in_the_address_is_in_no_message() {
        let client = Client::new(&connection("http://ada:hunter2@127.0.0.1:1")).unwrap();
        let failures = [
            client.unexpected("status 418"),
            client.unreachable(&ureq::Error::HostNotFound),
            Client::new(&connection("ftp://ada:hunter2@h")).err().unwrap(),
        ];
        for failure in failures {
            assert!(
                !failure.line().contains("hunter2") && failure.line().contains("://"),
                "{}",
                failure.line()
            );
        }
    }

    #[test]
    fn an_address_that_is_none_is_wrong_usage() {
        for url in ["", "localhost", "localhost:4077", "ftp://localhost", "http://"] {
            let failure = Client::new(&connection(url)).err().map(|failure| failure.code());
            assert_eq!(failure, Some(ErrorCode::WrongUsage), "{url}");
        }
        assert!(Client::new(&connection("https://camshaft.example.com/")).is_ok());
    }
}
