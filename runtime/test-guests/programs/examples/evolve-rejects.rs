//! An aggregate that cannot read its own facts: `evolve` fails on every one.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

wit_bindgen::generate!({
    path: ["../../../wit/v0.1", "../../../wit/v0.2"],
    world: "camshaft:plugin/aggregate@0.2.0",
    generate_all,
});

camshaft_test_programs::record!(
    "manifest = 1
     name = 'evolve-rejects'
     version = '1.0.0'
     commands = [{ type = 'test.do', scope = 'thing', records = ['test.done'] }]"
);

struct Component;
export!(Component);

impl Guest for Component {
    camshaft_test_programs::decides!("test.done");

    fn evolve(_: Scope, _: Option<Vec<u8>>, facts: Vec<Event>) -> Result<Vec<u8>, Failure> {
        Err(Failure::Reject(format!("{} is not known", facts[0].event_type)))
    }
}
