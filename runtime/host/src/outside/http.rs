//! `wasi:http` for sinks: requests go only where the operator's rules let them, with secrets the guest never sees.
//!
//! The protocol is wasmtime's; here stands who may send what. A request that no rule allows is answered with
//! `HTTP-request-denied`, and the attempt's log and error say which rule is missing.

use std::{fmt, future::Future, sync::Arc};

use camshaft_event::AttemptContext;
use http::{HeaderValue, Request, Response, Uri, uri::PathAndQuery};
use http_body_util::{BodyExt, Full};
use wasmtime::component::Linker;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
    default_send_request,
};

use wasmtime_wasi_io::bytes::Bytes;

use super::{access::Access, closed::Closed};
use crate::instance::Session;

/// What a manifest asks for, and an operator grants.
pub const CAPABILITY: &str = "http";
/// The package that it opens.
pub const PACKAGE: &str = "wasi:http";

/// Most bytes of the headers of one message.
const MAX_HEADER_BYTES: usize = 64 * 1024;

type Sending<T> = Box<dyn Future<Output = Result<T, Error>> + Send>;
type Rest = Sending<()>;

/// Answers requests in the network's stead, where nothing may leave the machine: in a sandbox. No answer means that
/// the request is not sent. Rules and secrets do not count there.
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
    denied: Vec<String>,
}

impl Http {
    /// For an instance that may do what `access` says, or ask `responder` instead.
    pub fn new(access: Arc<Access>, responder: Option<Responder>) -> Self {
        let mut ctx = WasiHttpCtx::new();
        ctx.set_field_size_limit(MAX_HEADER_BYTES);
        Self { ctx, sender: Sender { access, responder, denied: Vec::new() }, closed: Closed }
    }

    /// The requests that were denied since the last call, each with what it lacked.
    pub fn take_denied(&mut self) -> Vec<String> {
        std::mem::take(&mut self.sender.denied)
    }
}

/// Gives `linker` the interfaces.
pub fn link<C: AttemptContext + Send + 'static>(linker: &mut Linker<Session<C>>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)
}

impl<C: AttemptContext + Send> WasiHttpView for Session<C> {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let handles_an_event = self.context_if_running().is_some();
        let Http { ctx, sender, closed } =
            self.http.as_deref_mut().expect("it is linked only where it was granted");
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
        if let Some(responder) = self.responder.clone() {
            return Box::new(respond(responder, request));
        }
        if let Err(why) = admit(&self.access, &mut request) {
            self.denied.push(why);
            return Box::new(async { Err(Error::HttpRequestDenied) });
        }
        Box::new(async move {
            let (response, rest) = default_send_request(request, options).await?;
            let response = response.map(BodyExt::boxed_unsync);
            Ok((response, Box::new(rest) as Rest))
        })
    }
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

/// Finds the rule that allows `request` and puts the secrets in; or says what is missing.
fn admit<B>(access: &Access, request: &mut Request<B>) -> Result<(), String> {
    let uri = request.uri();
    let tls = uri.scheme() != Some(&http::uri::Scheme::HTTP);
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
    let rule = access.rule(request.method().as_str(), tls, host, port)?;
    if let Some(path) = uri.path_and_query()
        && let Some(path) = access.with_secrets(rule, path.as_str())?
    {
        let path = PathAndQuery::try_from(path).map_err(|_| {
            "a secret cannot stand in a path: it holds characters that no path may".to_owned()
        })?;
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(path);
        *request.uri_mut() = Uri::from_parts(parts).map_err(|error| error.to_string())?;
    }
    for value in request.headers_mut().values_mut() {
        let Ok(text) = value.to_str() else { continue };
        if let Some(text) = access.with_secrets(rule, text)? {
            let mut replaced = HeaderValue::from_str(&text).map_err(|_| {
                "a secret cannot stand in a header: it holds characters that none may".to_owned()
            })?;
            replaced.set_sensitive(true);
            *value = replaced;
        }
    }
    Ok(())
}
