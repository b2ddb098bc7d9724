//! The plugin `account` in another version, which makes other folds of the same facts.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

wit_bindgen::generate!({
    path: ["../../../wit/v0.1", "../../../wit/v0.2"],
    world: "camshaft:plugin/aggregate@0.2.0",
    generate_all,
});

camshaft_test_programs::record!(
    "manifest = 1
     name = 'account'
     version = '2.0.0'
     state_revision = 1
     commands = [{
         type = 'account.deposit',
         scope = 'account',
         records = ['account.deposited', 'account.withdrawn', 'account.transferred'],
     }]"
);

struct Component;
export!(Component);

impl Guest for Component {
    camshaft_test_programs::decides!("account.deposited");

    fn evolve(_: Scope, state: Option<Vec<u8>>, facts: Vec<Event>) -> Result<Vec<u8>, Failure> {
        let mut fold = state.unwrap_or_default();
        fold.extend(facts.iter().map(|_| b'x'));
        Ok(fold)
    }
}
