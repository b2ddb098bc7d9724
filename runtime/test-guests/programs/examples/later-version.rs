//! Is written against a version of the contract that does not exist yet.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

wit_bindgen::generate!({
    inline: "
        package camshaft:plugin@9.9.0;
        interface types { record event { id: string } }
        world handler { use types.{event}; export handle: func(event: event) -> result; }
    ",
});

camshaft_test_programs::record!(
    "manifest = 1
     name = 'later-version'
     version = '1.0.0'
     subscriptions = [{ handler = 'handle', types = ['test.event'] }]"
);

struct Component;
export!(Component);

impl Guest for Component {
    fn handle(_: Event) -> Result<(), ()> {
        Ok(())
    }
}
