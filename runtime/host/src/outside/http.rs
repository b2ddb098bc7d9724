//! `wasi:http` for sinks: requests go only where the operator's rules let them, with secrets the guest never sees.
//!
//! The protocol is wasmtime's; here stands who may send what. A request that no rule allows is answered with
//! `HTTP-request-denied`, and the attempt's log and error say which rule is missing.

use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

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
    connection::{self, Patience, Rest},
};
use crate::instance::Session;

/// What a manifest asks for, and an operator grants.
pub const CAPABILITY: &str = "http";
/// The package that it opens.
pub const PACKAGE: &str = "wasi:http";

/// Most bytes of the headers of one message.
const MAX_HEADER_BYTES: usize = 64 * 1024;

type Sending<T> = Box<dyn Future<Output = Result<T, Error>> + Send>;

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
}

struct Sender {
    access: Arc<Access>,
    responder: Option<Responder>,
    denied: Denied,
}

/// The requests that were denied, each with what it lacked; a name is looked up while the guest goes on.
#[derive(Clone, Default)]
struct Denied(Arc<Mutex<Vec<String>>>);

impl Denied {
    fn push(&self, why: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(why);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Http {
    /// For an instance that may do what `access` says, or ask `responder` instead.
    pub fn new(access: Arc<Access>, responder: Option<Responder>) -> Self {
        let mut ctx = WasiHttpCtx::new();
        ctx.set_field_size_limit(MAX_HEADER_BYTES);
        Self { ctx, sender: Sender { access, responder, denied: Denied::default() } }
    }

    /// The requests that were denied since the last call, each with what it lacked.
    pub fn take_denied(&mut self) -> Vec<String> {
        self.sender.denied.take()
    }
}

/// Gives `linker` the interfaces.
pub fn link<C: Send + 'static>(linker: &mut Linker<Session<C>>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)
}

impl<C: Send> WasiHttpView for Session<C> {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let Http { ctx, sender } = self.http.as_deref_mut().expect("it is linked only where it was granted");
        WasiHttpCtxView { hooks: sender, table: &mut self.resources, ctx }
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
        let destination = match admit(&self.access, &mut request) {
            Ok(destination) => destination,
            Err(why) => {
                self.denied.push(why);
                return Box::new(async { Err(Error::HttpRequestDenied) });
            }
        };
        let (access, denied, patience) =
            (Arc::clone(&self.access), self.denied.clone(), Patience::from(options));
        Box::new(async move {
            let addresses = match destination.resolve(patience.connect).await {
                Ok(addresses) => addresses,
                Err(Unresolved::Failed(error)) => return Err(error),
                Err(Unresolved::Prohibited(address, class)) => {
                    denied.push(access.prohibited(&destination, address, class));
                    return Err(Error::HttpRequestDenied);
                }
            };
            let tls = is_tls(request.uri());
            connection::send(request, tls, &addresses, patience).await
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
            .map_err(|_| "denied: the path with its secret is not a path".to_owned())?;
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(path);
        *request.uri_mut() = Uri::from_parts(parts).map_err(|error| error.to_string())?;
    }
    for value in request.headers_mut().values_mut() {
        if let Some(bytes) = access.with_secrets(rule, value.as_bytes(), Place::Header)? {
            let mut replaced = HeaderValue::from_bytes(&bytes).map_err(|_| {
                "denied: a secret cannot stand in a header: it holds a control character".to_owned()
            })?;
            replaced.set_sensitive(true);
            *value = replaced;
        }
    }
    Ok(destination)
}
