//! An aggregate whose `evolve` depends on more than its arguments: it reads the configuration.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

use camshaft::plugin0_1_0::config;

wit_bindgen::generate!({
    path: ["../../../wit/v0.1", "../../../wit/v0.2"],
    world: "camshaft:plugin/aggregate@0.2.0",
    generate_all,
});

camshaft_test_programs::record!(
    "manifest = 1
     name = 'evolve-reads-config'
     version = '1.0.0'
     commands = [{ type = 'test.do', scope = 'thing', records = ['test.done'] }]"
);

struct Component;
export!(Component);

impl Guest for Component {
    camshaft_test_programs::decides!("test.done");

    fn evolve(_: Scope, _: Option<Vec<u8>>, _: Vec<Event>) -> Result<Vec<u8>, Failure> {
        Ok(config::get("greeting").unwrap_or_default().into_bytes())
    }
}
