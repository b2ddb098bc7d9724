//! An aggregate whose `evolve` loads its scope instead of using its argument.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

use camshaft::plugin0_2_0::scopes;

wit_bindgen::generate!({
    path: ["../../../wit/v0.1", "../../../wit/v0.2"],
    world: "camshaft:plugin/aggregate@0.2.0",
    generate_all,
});

camshaft_test_programs::record!(
    "manifest = 1
     name = 'evolve-loads'
     version = '1.0.0'
     commands = [{ type = 'test.do', scope = 'thing', records = ['test.done'] }]"
);

struct Component;
export!(Component);

impl Guest for Component {
    camshaft_test_programs::decides!("test.done");

    fn evolve(scope: Scope, _: Option<Vec<u8>>, _: Vec<Event>) -> Result<Vec<u8>, Failure> {
        let loaded = scopes::load(&scope).map_err(|error| Failure::Other(format!("{error:?}")))?;
        Ok(loaded.unwrap_or_default())
    }
}
