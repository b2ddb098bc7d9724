//! A plugin without the manifest's section.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "handler" });

struct Component;
export!(Component);

impl Guest for Component {
    fn handle(_: Event) -> Result<(), Failure> {
        Ok(())
    }
}
