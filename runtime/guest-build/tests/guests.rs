//! Builds the repository's own plugin with the toolchain of this machine.

use std::{fs, path::Path};

use camshaft_guest_build::{BuildError, Guests, Toolchain, Way};

/// Creates a separate package with this library.
fn package(library: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder for a package");
    let manifest = "[package]\nname = \"plain\"\nedition = \"2024\"\n[workspace]\n";
    fs::create_dir(folder.path().join("src")).expect("a source folder");
    fs::write(folder.path().join("src/lib.rs"), library).expect("a library");
    fs::write(folder.path().join("Cargo.toml"), manifest).expect("a package");
    folder
}

/// Guests with their own target folder: cargo does not distinguish packages with the same name and path in
/// their workspace.
fn own_target(folder: &Path) -> Guests {
    Guests::in_folder(folder).target_folder(folder.join("target"))
}

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
    // A path through the crate contains this text in both of the compiler's mangling schemes.
    assert!(holds("5tally"), "the function names were lost");
}

#[test]
fn a_folder_without_a_plugin_says_what_makes_one() {
    let toolchain = Toolchain::find().unwrap();
    let crate_folder = package("");
    let error = toolchain.build(&own_target(crate_folder.path())).unwrap_err();
    assert!(matches!(error, BuildError::NoGuest { .. }), "{error}");
    assert!(error.to_string().contains("crate-type = [\"cdylib\"]"), "{error}");
}

/// `cargo metadata` provides this information, so the workspace is not compiled for nothing.
#[test]
fn a_workspace_without_a_plugin_in_its_root_is_not_compiled_and_names_its_plugins() {
    let toolchain = Toolchain::find().unwrap();
    let workspace = package("compile_error!(\"nothing is compiled\");");
    let member = workspace.path().join("member");
    fs::create_dir_all(member.join("src")).unwrap();
    fs::write(member.join("src/lib.rs"), "").unwrap();
    let manifest = "[package]\nname = \"member\"\n[lib]\ncrate-type = [\"cdylib\"]\n";
    fs::write(member.join("Cargo.toml"), manifest).unwrap();
    let root = workspace.path().join("Cargo.toml");
    let plain = "[package]\nname = \"plain\"\n[workspace]\nmembers = [\"member\"]\n";
    for manifest in [plain, "[workspace]\nmembers = [\"member\"]\n"] {
        fs::write(&root, manifest).unwrap();
        match toolchain.build(&own_target(workspace.path())).unwrap_err() {
            BuildError::NoGuest { others, .. } => assert_eq!(others, [member.canonicalize().unwrap()]),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_folder_that_is_no_package_is_named() {
    let toolchain = Toolchain::find().unwrap();
    let empty = tempfile::tempdir().unwrap();
    for folder in [empty.path().to_path_buf(), empty.path().join("absent")] {
        let error = toolchain.build(&Guests::in_folder(&folder)).unwrap_err();
        assert!(matches!(error, BuildError::NoPackage { .. }), "{error}");
        assert!(error.to_string().contains(&*folder.to_string_lossy()), "{error}");
    }
}

#[test]
fn a_guest_that_does_not_compile_is_an_error_of_its_own() {
    let toolchain = Toolchain::find().unwrap();
    let crate_folder = package("fn broken( {}");
    let manifest = fs::read_to_string(crate_folder.path().join("Cargo.toml")).unwrap();
    let library = "[lib]\ncrate-type = [\"cdylib\"]\n";
    fs::write(crate_folder.path().join("Cargo.toml"), manifest + library).unwrap();
    let error = toolchain.build(&own_target(crate_folder.path())).unwrap_err();
    assert!(matches!(error, BuildError::Compile { .. }), "{error}");
}

#[test]
fn the_target_folder_is_locked_while_a_plugin_is_compiled() {
    let toolchain = Toolchain::find().unwrap();
    let crate_folder = package("");
    let manifest = fs::read_to_string(crate_folder.path().join("Cargo.toml")).unwrap();
    let library = "[lib]\ncrate-type = [\"cdylib\"]\n";
    fs::write(crate_folder.path().join("Cargo.toml"), manifest + library).unwrap();
    // The build script runs in the middle of the build, and fails if it can lock the folder, too.
    let lock = crate_folder.path().join("target/origins/lock");
    let script = format!(
        "fn main() {{\n    let lock = std::fs::File::open({lock:?}).unwrap();\n    \
         let busy = matches!(lock.try_lock(), Err(std::fs::TryLockError::WouldBlock));\n    \
         assert!(busy, \"another build could use the folder\");\n}}\n"
    );
    fs::write(crate_folder.path().join("build.rs"), script).unwrap();
    match toolchain.build(&own_target(crate_folder.path())) {
        // An empty library need not become a component.
        Ok(_) | Err(BuildError::Componentize { .. }) => {}
        Err(error) => panic!("{error}"),
    }
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
