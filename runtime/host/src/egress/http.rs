//! `wasi:http` for sinks: requests go only where the operator's rules let them, with secrets the guest never
//! sees.
//!
//! The protocol is wasmtime's; here stands who may send what. A request that no rule allows is answered with
//! `HTTP-request-denied`, and the attempt's log and error say which rule is missing.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use camshaft_event::AttemptContext;
use http::{HeaderValue, Request, Response, Uri, uri::PathAndQuery};
use http_body_util::{BodyExt, Full};
use wasmtime::component::Linker;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};
use wasmtime_wasi_io::bytes::Bytes;

use super::{
    access::{Access, Place},
    address::{Destination, Unresolved},
    budget::{Budget, UnderWay},
    closed::Closed,
    connection::{self, Patience, Rest},
    denied::Denied,
    failed,
    pieces::Pieces,
    request_head,
};
use crate::instance::Session;

/// What a manifest asks for, and an operator grants.
pub const CAPABILITY: &str = "http";
/// The package that it opens.
pub const PACKAGE: &str = "wasi:http";

/// Most bytes of the headers of one message. Each of the resources that a guest may hold can be headers.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// Bytes of a request's body that are queued at a time, until the connection takes them.
const CHUNK_BYTES: usize = 16 * 1024;

type Sending<T> = Box<dyn Future<Output = Result<T, Error>> + Send>;

/// Answers requests in the network's stead, where nothing may leave the machine: in a sandbox. No answer
/// means that the request is not sent. Rules and secrets do not count there.
#[derive(Clone)]
pub struct Responder(Arc<Respond>);

type Respond = dyn Fn(Request<Vec<u8>>) -> Option<Response<Vec<u8>>> + Send + Sync;

impl Responder {
    /// A responder that answers what `respond` says.
    pub fn new(
        respond: impl Fn(Request<Vec<u8>>) -> Option<Response<Vec<u8>>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(respond))
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Responder")
    }
}

/// The state of one instance that may send requests.
pub struct Http {
    ctx: WasiHttpCtx,
    sender: Sender,
    closed: Closed,
}

struct Sender {
    access: Arc<Access>,
    responder: Option<Responder>,
    denied: Denied,
    budget: Budget,
    /// Whether the attempt has ended with a refusal.
    is_refused: bool,
}

impl Http {
    /// For an instance that may do what `access` says, or ask `responder` instead.
    pub fn new(access: Arc<Access>, responder: Option<Responder>) -> Self {
        let mut ctx = WasiHttpCtx::new();
        ctx.set_field_size_limit(MAX_HEADER_BYTES);
        let (denied, budget) = (Denied::default(), Budget::default());
        let sender = Sender { access, responder, denied, budget, is_refused: false };
        Self { ctx, sender, closed: Closed }
    }

    /// The requests that were denied since the last call, each with what it lacked.
    pub fn take_denied(&mut self) -> Vec<String> {
        self.sender.denied.take()
    }

    /// A call begins.
    pub fn begin(&mut self) {
        self.sender.budget.begin();
    }

    /// Whether a request of the instance has not come to its end.
    pub fn is_under_way(&self) -> bool {
        self.sender.budget.is_under_way()
    }

    /// Bytes that the host keeps for the instance's requests at most.
    pub fn kept_bytes(&self) -> usize {
        self.sender.budget.kept_bytes()
    }
}

/// Gives `linker` the interfaces.
pub fn link<C: AttemptContext + Send + 'static>(linker: &mut Linker<Session<C>>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    request_head::link(linker)
}

impl<C: AttemptContext + Send> WasiHttpView for Session<C> {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let (used, limit) = self.memory.used_and_limit();
        let room = limit.saturating_sub(used.saturating_add(self.kept_bytes()));
        let context = self.context_if_running().unwrap_or_default();
        let (handles_an_event, is_refused) =
            (context.is_some(), context.is_some_and(|context| context.refusal().is_some()));
        let Http { ctx, sender, closed } =
            self.http.as_deref_mut().expect("it is linked only where it was granted");
        sender.budget.set_room(room, limit);
        sender.is_refused = is_refused;
        let hooks: &mut dyn WasiHttpHooks = if handles_an_event { sender } else { closed };
        WasiHttpCtxView { hooks, table: &mut self.resources, ctx }
    }
}

impl WasiHttpHooks for Sender {
    fn send_request(
        &mut self,
        mut request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Rest,
    ) -> Sending<(Response<WasiBody>, Rest)> {
        let (destination, under_way) = match self.admit(&mut request) {
            Ok(admitted) => admitted,
            Err(Refused { error, why }) => {
                self.denied.add(why);
                return Box::new(async { Err(error) });
            }
        };
        // Without a destination it is a responder that answers.
        let Some(destination) = destination else {
            let responder = self.responder.clone();
            return Box::new(
                async move { respond(responder.ok_or(Error::HttpRequestDenied)?, request).await },
            );
        };
        let (access, denied, patience) =
            (Arc::clone(&self.access), self.denied.clone(), Patience::from(options));
        let line = line(&request, &destination);
        let failed = denied.clone();
        let sending = async move {
            let addresses = match destination.resolve(patience.connect).await {
                Ok(addresses) => addresses,
                Err(Unresolved::Failed(error)) => return Err(error),
                Err(Unresolved::Prohibited(address, class)) => {
                    denied.add(access.prohibited(&destination, address, class));
                    return Err(Error::HttpRequestDenied);
                }
            };
            let tls = is_tls(request.uri());
            let (response, rest) = connection::send(request, tls, &addresses, patience).await?;
            held(response, rest, under_way)
        };
        Box::new(async move {
            let sent = sending.await;
            if let Err(error) = &sent
                && !matches!(error, Error::HttpRequestDenied)
            {
                failed.add(format!("failed: {line}: {}", failed::reason(error)));
            }
            sent
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK_BYTES
    }
}

/// Why a request is not sent: for the guest, and for people.
struct Refused {
    error: Error,
    why: String,
}

impl Sender {
    /// Lets a request through, with its secrets; or says why not. There is no destination if a responder
    /// answers.
    fn admit(&mut self, request: &mut Request<WasiBody>) -> Result<(Option<Destination>, UnderWay), Refused> {
        let denied = |why| Refused { error: Error::HttpRequestDenied, why };
        if self.is_refused {
            return Err(denied("denied: the attempt has ended with a refused effect".to_owned()));
        }
        let destination = match &self.responder {
            None => Some(admit(&self.access, request).map_err(denied)?),
            Some(_) => None,
        };
        let under_way =
            self.budget.send().map_err(|why| Refused { error: Error::ConnectionLimitReached, why })?;
        Ok((destination, under_way))
    }
}

/// A response as the guest gets it: within bounds, and counted as under way until its connection and body are
/// dropped.
fn held(
    response: Response<WasiBody>,
    rest: Rest,
    under_way: UnderWay,
) -> Result<(Response<WasiBody>, Rest), Error> {
    let headers = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
    let header_bytes = headers.sum::<usize>();
    if header_bytes > MAX_HEADER_BYTES {
        return Err(Error::HttpResponseHeaderSectionSize(u32::try_from(header_bytes).ok()));
    }
    let under_way = Arc::new(under_way);
    let of_body = Arc::clone(&under_way);
    let response = response.map(|body| Pieces::new(body, of_body).boxed_unsync());
    let rest = async move {
        let ended = Pin::from(rest).await;
        drop(under_way);
        ended
    };
    Ok((response, Box::new(rest)))
}

async fn respond(
    Responder(respond): Responder,
    request: Request<WasiBody>,
) -> Result<(Response<WasiBody>, Rest), Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes().to_vec();
    let response = respond(Request::from_parts(head, body)).ok_or(Error::HttpRequestDenied)?;
    let whole = |body: Vec<u8>| Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync();
    Ok((response.map(whole), Box::new(std::future::ready(Ok(()))) as Rest))
}

/// A request as messages name it: without its path, in which secrets may stand.
fn line<B>(request: &Request<B>, Destination { host, port, .. }: &Destination) -> String {
    let scheme = if is_tls(request.uri()) { "https" } else { "http" };
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    format!("{} {scheme}://{host}:{port}", request.method())
}

fn is_tls(uri: &Uri) -> bool {
    uri.scheme() != Some(&http::uri::Scheme::HTTP)
}

/// Finds the rule that allows `request` and puts the secrets in; or says what is missing.
fn admit<B>(access: &Access, request: &mut Request<B>) -> Result<Destination, String> {
    let uri = request.uri();
    let tls = is_tls(uri);
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
    let rule = access.rule(request.method().as_str(), tls, host, port)?;
    let destination = Destination { host: host.to_owned(), port, private: rule.private };
    if let Some(path) = uri.path_and_query()
        && let Some(path) = access.with_secrets(rule, path.as_str().as_bytes(), Place::Path)?
    {
        let path = PathAndQuery::try_from(path)
            .map_err(|_| "denied: the path is not valid with its secret".to_owned())?;
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(path);
        *request.uri_mut() = Uri::from_parts(parts).map_err(|error| error.to_string())?;
    }
    for value in request.headers_mut().values_mut() {
        if let Some(bytes) = access.with_secrets(rule, value.as_bytes(), Place::Header)? {
            let mut replaced = HeaderValue::from_bytes(&bytes).map_err(|_| {
                "denied: a secret with a control character cannot be sent in a header".to_owned()
            })?;
            replaced.set_sensitive(true);
            *value = replaced;
        }
    }
    Ok(destination)
}
