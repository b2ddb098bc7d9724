//! An aggregate that traps at every command, without a word.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

wit_bindgen::generate!({
    path: ["../../../wit/v0.1", "../../../wit/v0.2"],
    world: "camshaft:plugin/aggregate@0.2.0",
    generate_all,
});

camshaft_test_programs::record!(
    "manifest = 1
     name = 'decide-traps'
     version = '1.0.0'
     commands = [{ type = 'test.do', scope = 'thing', records = ['test.done'] }]"
);

struct Component;
export!(Component);

impl Guest for Component {
    fn decide(_: Event) -> Result<Result<Decision, Refusal>, Failure> {
        core::arch::wasm32::unreachable()
    }

    fn evolve(_: Scope, fold: Option<Vec<u8>>, _: Vec<Event>) -> Result<Vec<u8>, Failure> {
        Ok(fold.unwrap_or_default())
    }
}
