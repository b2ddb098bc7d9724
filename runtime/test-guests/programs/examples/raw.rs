//! A plugin without the SDK: the contract's bindings alone. Keeps the last data under `last`.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "handler" });

camshaft_test_programs::record!(
    "manifest = 1
     name = 'raw'
     version = '1.0.0'
     publishes = ['test.raw']
     subscriptions = [{ handler = 'handle', types = ['test.event'] }]"
);

struct Component;
export!(Component);

impl Guest for Component {
    fn handle(event: Event) -> Result<(), Failure> {
        let failed = |error| Failure::Other(format!("{error:?}"));
        camshaft::plugin::state::set(b"last", &event.data).map_err(failed)
    }
}
