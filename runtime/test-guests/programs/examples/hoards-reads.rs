//! Reads a new key after the other until it is stopped, whatever it is told: long keys that no value has.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

use camshaft::plugin::state;

wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "handler" });

camshaft_test_programs::record!(
    "manifest = 1
     name = 'hoards-reads'
     version = '1.0.0'
     subscriptions = [{ handler = 'handle', types = ['test.event'] }]"
);

struct Component;
export!(Component);

impl Guest for Component {
    fn handle(_: Event) -> Result<(), Failure> {
        let mut key = vec![b'k'; 1_900];
        for number in 0_u64.. {
            key[..8].copy_from_slice(&number.to_be_bytes());
            // A refusal is no reason for it to stop.
            let _ = state::get(&key);
        }
        Ok(())
    }
}
