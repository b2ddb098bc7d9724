//! Sends requests to addresses of many kilobytes until it is stopped; no rule allows any of them.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

use wasip2::http::{
    outgoing_handler,
    types::{Fields, OutgoingRequest, Scheme},
};

wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "handler" });

camshaft_test_programs::record!(
    "manifest = 1
     name = 'floods-denied'
     version = '1.0.0'
     capabilities = ['http']
     subscriptions = [{ handler = 'handle', types = ['test.event'] }]"
);

struct Component;
export!(Component);

impl Guest for Component {
    fn handle(_: Event) -> Result<(), Failure> {
        // The longest address that one may have, and one that is within every bound.
        let long = format!("{}.example", "a".repeat(60_000));
        let short = format!("{}.example", "a".repeat(8_000));
        loop {
            let request = OutgoingRequest::new(Fields::new());
            let _ = request.set_scheme(Some(&Scheme::Http));
            if request.set_authority(Some(&long)).is_err() {
                let _ = request.set_authority(Some(&short));
            }
            let _ = request.set_path_with_query(Some("/"));
            drop(outgoing_handler::handle(request, None));
        }
    }
}
