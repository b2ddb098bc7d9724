//! The repository's own plugin builds, by whatever toolchain this machine has.

use std::{fs, path::Path};

use camshaft_guest_build::{BuildError, Guests, Toolchain, Way};

fn folder(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

#[test]
fn a_plugin_becomes_a_component_with_its_function_names_and_manifest() {
    let toolchain = Toolchain::find().unwrap();
    let components = toolchain.build(&Guests::in_folder(folder("plugins/tally"))).unwrap();
    let [tally] = components.as_slice() else { panic!("one component: {components:?}") };
    assert_eq!(tally.name, "tally");
    let bytes = fs::read(&tally.path).unwrap();
    assert!(bytes.starts_with(b"\0asm\x0d\x00\x01\x00"), "not a component");
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("camshaft:manifest"), "the manifest's section was lost");
    assert!(holds("camshaft:plugin/state@0.1.0"), "the contract's imports were lost");
    assert!(holds("_ZN5tally"), "the function names were lost");
}

#[test]
fn a_folder_without_a_plugin_says_what_makes_one() {
    let toolchain = Toolchain::find().unwrap();
    let crate_folder = tempfile::tempdir().unwrap();
    fs::create_dir(crate_folder.path().join("src")).unwrap();
    fs::write(crate_folder.path().join("src/lib.rs"), "").unwrap();
    fs::write(crate_folder.path().join("Cargo.toml"), "[package]\nname = \"plain\"\n[workspace]\n").unwrap();
    let error = toolchain.build(&Guests::in_folder(crate_folder.path())).unwrap_err();
    assert!(matches!(error, BuildError::NoGuest { .. }), "{error}");
    assert!(error.to_string().contains("crate-type = [\"cdylib\"]"), "{error}");
}

#[test]
fn without_any_way_the_error_names_the_ways() {
    let text = Toolchain::find_by(&[]).unwrap_err().to_string();
    assert!(text.contains("rustup target add wasm32-unknown-unknown"), "{text}");
    assert!(text.contains("apt-get install rustc-web rust-web-src"), "{text}");
    if let Err(error) = Toolchain::find_by(&[Way::Active]) {
        assert!(error.to_string().contains("the active toolchain: "), "{error}");
    }
}
