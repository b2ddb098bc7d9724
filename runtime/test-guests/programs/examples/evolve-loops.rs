//! An aggregate whose `evolve` does not end.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

wit_bindgen::generate!({
    path: ["../../../wit/v0.1", "../../../wit/v0.2"],
    world: "camshaft:plugin/aggregate@0.2.0",
    generate_all,
});

camshaft_test_programs::record!(
    "manifest = 1
     name = 'evolve-loops'
     version = '1.0.0'
     commands = [{ type = 'test.do', scope = 'thing', records = ['test.done'] }]"
);

struct Component;
export!(Component);

impl Guest for Component {
    camshaft_test_programs::decides!("test.done");

    fn evolve(_: Scope, _: Option<Vec<u8>>, _: Vec<Event>) -> Result<Vec<u8>, Failure> {
        loop {
            std::hint::spin_loop();
        }
    }
}
