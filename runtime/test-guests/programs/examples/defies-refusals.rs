//! Writes an empty key, which is refused, and then values under new keys until it is stopped.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

use camshaft::plugin::{logging, state};

wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "handler" });

camshaft_test_programs::record!(
    "manifest = 1
     name = 'defies-refusals'
     version = '1.0.0'
     subscriptions = [{ handler = 'handle', types = ['test.event'] }]"
);

struct Component;
export!(Component);

impl Guest for Component {
    fn handle(_: Event) -> Result<(), Failure> {
        let _ = state::set(&[], &[]);
        logging::log(logging::Level::Info, "it goes on", &[]);
        let mut key = vec![b'k'; 1_900];
        for number in 0_u64.. {
            key[..8].copy_from_slice(&number.to_be_bytes());
            let _ = state::set(&key, &[0; 16]);
            if number == 100 {
                logging::log(logging::Level::Info, "it has written", &[]);
            }
        }
        Ok(())
    }
}
