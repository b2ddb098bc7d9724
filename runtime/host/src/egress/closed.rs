//! The way out by HTTP of an instance that handles no event: it says no to every request.
//!
//! Start code runs whenever an instance is made, also of a version that waits behind a pin. What it sent
//! would be no attempt's effect.

use http::{Request, Response};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// What takes the place of the rules between attempts.
#[derive(Default)]
pub struct Closed;

type Sending<T> = Box<dyn Future<Output = Result<T, Error>> + Send>;

impl WasiHttpHooks for Closed {
    fn send_request(
        &mut self,
        _: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Sending<()>,
    ) -> Sending<(Response<WasiBody>, Sending<()>)> {
        Box::new(async { Err(Error::HttpRequestDenied) })
    }
}
