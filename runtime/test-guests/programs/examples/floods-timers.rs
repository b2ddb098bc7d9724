//! Cancels timers until it is stopped, a new name each time and whatever it is told.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

use camshaft::plugin::publisher;

wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "handler" });

camshaft_test_programs::record!(
    "manifest = 1
     name = 'floods-timers'
     version = '1.0.0'
     subscriptions = [{ handler = 'handle', types = ['test.event'] }]"
);

struct Component;
export!(Component);

impl Guest for Component {
    fn handle(_: Event) -> Result<(), Failure> {
        for number in 0_u64.. {
            let _ = publisher::cancel(&number.to_string());
        }
        Ok(())
    }
}
