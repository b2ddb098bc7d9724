//! Writes a megabyte into the body of each request that it may hold, sends none of them, and waits until it
//! is stopped.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

use wasip2::{
    clocks::monotonic_clock,
    http::types::{Fields, OutgoingRequest},
};

wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "handler" });

camshaft_test_programs::record!(
    "manifest = 1
     name = 'hoards-bodies'
     version = '1.0.0'
     capabilities = ['http']
     subscriptions = [{ handler = 'handle', types = ['test.event'] }]"
);

struct Component;
export!(Component);

/// Requests that it holds: with body and stream each is three resources, of which a guest may have so many.
const REQUESTS: usize = 40;

impl Guest for Component {
    fn handle(_: Event) -> Result<(), Failure> {
        let megabyte = vec![b'b'; 1 << 20];
        let mut held = Vec::new();
        for _ in 0..REQUESTS {
            let request = OutgoingRequest::new(Fields::new());
            let lost = |()| Failure::Reject("there is no body to write".to_owned());
            let body = request.body().map_err(lost)?;
            let stream = body.write().map_err(lost)?;
            let room = stream.check_write().unwrap_or(0) as usize;
            let _ = stream.write(&megabyte[..room.min(megabyte.len())]);
            held.push((stream, body, request));
        }
        loop {
            monotonic_clock::subscribe_duration(1_000_000_000).block();
        }
    }
}
