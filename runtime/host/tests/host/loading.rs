//! Files that are plugins, and files that are not.

use crate::support::{Bench, handler};

#[test]
fn a_core_module_of_the_contract_is_a_plugin() {
    let plugin = Bench::new().load(&handler("", "")).unwrap();
    assert_eq!((plugin.manifest().name.as_str(), plugin.contract()), ("probe", "0.1.0"));
}
