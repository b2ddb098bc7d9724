//! `wasi:http` for sinks: requests go only where the operator's rules let them, with secrets the guest never sees.
//!
//! The protocol is wasmtime's; here stands who may send what. A request that no rule allows is answered with
//! `HTTP-request-denied`, and the attempt's log and error say which rule is missing.

use std::{future::Future, sync::Arc};

use http::{HeaderValue, Request, Response, Uri, uri::PathAndQuery};
use wasmtime::component::Linker;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
    default_send_request,
};

use super::access::Access;
use crate::instance::Session;

/// What a manifest asks for, and an operator grants.
pub const CAPABILITY: &str = "http";
/// The package that it opens.
pub const PACKAGE: &str = "wasi:http";

/// Most bytes of the headers of one message.
const MAX_HEADER_BYTES: usize = 64 * 1024;

type Sending<T> = Box<dyn Future<Output = Result<T, Error>> + Send>;
type Rest = Sending<()>;

/// The state of one instance that may send requests.
pub struct Http {
    ctx: WasiHttpCtx,
    sender: Sender,
}

struct Sender {
    access: Arc<Access>,
    denied: Vec<String>,
}

impl Http {
    /// For an instance that may do what `access` says.
    pub fn new(access: Arc<Access>) -> Self {
        let mut ctx = WasiHttpCtx::new();
        ctx.set_field_size_limit(MAX_HEADER_BYTES);
        Self { ctx, sender: Sender { access, denied: Vec::new() } }
    }

    /// The requests that were denied since the last call, each with what it lacked.
    pub fn take_denied(&mut self) -> Vec<String> {
        std::mem::take(&mut self.sender.denied)
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
        if let Err(why) = admit(&self.access, &mut request) {
            self.denied.push(why);
            return Box::new(async { Err(Error::HttpRequestDenied) });
        }
        Box::new(async move {
            let (response, rest) = default_send_request(request, options).await?;
            let response = response.map(http_body_util::BodyExt::boxed_unsync);
            Ok((response, Box::new(rest) as Rest))
        })
    }
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
