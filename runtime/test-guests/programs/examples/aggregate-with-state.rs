//! An aggregate that wants a state of its own beside its scopes.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

use camshaft::plugin0_1_0::state;

wit_bindgen::generate!({
    path: ["../../../wit/v0.1", "../../../wit/v0.2"],
    inline: "
        package camshaft:test;
        world stateful {
            include camshaft:plugin/aggregate@0.2.0;
            import camshaft:plugin/state@0.1.0;
        }
    ",
    world: "camshaft:test/stateful",
    generate_all,
});

camshaft_test_programs::record!(
    "manifest = 1
     name = 'aggregate-with-state'
     version = '1.0.0'
     commands = [{ type = 'test.do', scope = 'thing', records = ['test.done'] }]"
);

struct Component;
export!(Component);

impl Guest for Component {
    fn decide(command: Event) -> Result<Result<Decision, Refusal>, Failure> {
        state::set(b"last", &command.data).map_err(|error| Failure::Other(format!("{error:?}")))?;
        Ok(Ok(Decision { facts: Vec::new(), reply: Vec::new() }))
    }

    fn evolve(_: Scope, fold: Option<Vec<u8>>, _: Vec<Event>) -> Result<Vec<u8>, Failure> {
        Ok(fold.unwrap_or_default())
    }
}
