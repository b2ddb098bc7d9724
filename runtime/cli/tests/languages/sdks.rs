//! Runs the native tests of the JavaScript and Python SDKs.

use crate::{does, repository};

#[test]
fn the_javascript_sdk_passes_its_tests() {
    let told = does(&repository().join("sdk/javascript"), "node", &["--test"]);
    assert!(told.contains("fail 0"), "{told}");
}

#[test]
fn the_python_sdk_passes_its_tests() {
    does(&repository().join("sdk/python"), "python3", &["-m", "unittest"]);
}
