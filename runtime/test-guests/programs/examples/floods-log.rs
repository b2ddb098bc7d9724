//! Logs the longest lines that it can until it is stopped.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

use camshaft::plugin::logging;

wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "handler" });

camshaft_test_programs::record!(
    "manifest = 1
     name = 'floods-log'
     version = '1.0.0'
     subscriptions = [{ handler = 'handle', types = ['test.event'] }]"
);

struct Component;
export!(Component);

impl Guest for Component {
    fn handle(_: Event) -> Result<(), Failure> {
        let long = "x".repeat(512);
        let fields: Vec<(String, String)> = (0..32).map(|_| (long.clone(), long.clone())).collect();
        let message = "y".repeat(100_000);
        loop {
            logging::log(logging::Level::Info, &message, &fields);
        }
    }
}
