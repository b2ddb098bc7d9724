//! Bounds on the texts of a request that the host keeps until it is sent: its method, address and path.
//!
//! Wasmtime takes them at any length, and a guest may hold many requests. So the functions that set them are
//! replaced by ones that look at the length first; all else is wasmtime's.

use camshaft_event::AttemptContext;
use wasmtime::{
    StoreContextMut,
    component::{Linker, Resource},
};
use wasmtime_wasi_http::{
    WasiHttpView,
    p2::bindings::http::types::{HostOutgoingRequest, Method, OutgoingRequest},
};

use crate::instance::Session;

/// The name under which wasmtime gives a linker the types; other versions of `wasi:http` 0.2 find them there,
/// too.
const TYPES: &str = "wasi:http/types@0.2.12";

/// Longest method, in bytes.
const MAX_METHOD_BYTES: usize = 64;

/// Longest address of a request, and longest path, in bytes.
const MAX_ADDRESS_BYTES: usize = 8 * 1024;

type Of<'a, C> = StoreContextMut<'a, Session<C>>;
type Outcome = (Result<(), ()>,);

/// Replaces the functions in `linker`, which has wasmtime's already.
pub fn link<C: AttemptContext + Send + 'static>(linker: &mut Linker<Session<C>>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(TYPES)?;
    types.func_wrap(
        "[method]outgoing-request.set-method",
        |mut store: Of<'_, C>, (request, method): (Resource<OutgoingRequest>, Method)| {
            if matches!(&method, Method::Other(name) if name.len() > MAX_METHOD_BYTES) {
                return Ok::<Outcome, _>((Err(()),));
            }
            Ok((HostOutgoingRequest::set_method(&mut store.data_mut().http(), request, method)?,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-authority",
        |mut store: Of<'_, C>, (request, authority): (Resource<OutgoingRequest>, Option<String>)| {
            if is_too_long(authority.as_deref()) {
                return Ok::<Outcome, _>((Err(()),));
            }
            Ok((HostOutgoingRequest::set_authority(&mut store.data_mut().http(), request, authority)?,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-path-with-query",
        |mut store: Of<'_, C>, (request, path): (Resource<OutgoingRequest>, Option<String>)| {
            if is_too_long(path.as_deref()) {
                return Ok::<Outcome, _>((Err(()),));
            }
            Ok((HostOutgoingRequest::set_path_with_query(&mut store.data_mut().http(), request, path)?,))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

fn is_too_long(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.len() > MAX_ADDRESS_BYTES)
}
