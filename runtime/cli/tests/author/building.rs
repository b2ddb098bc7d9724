//! `camshaft build` of Rust packages: the message for the root of a workspace, and the settings of the caller
//! that do not apply.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use tempfile::tempdir;

use crate::{
    process::{Said, camshaft, write},
    said,
};

/// Creates a library package without dependencies, with these crate types, in its own folder below `folder`.
fn library(folder: &Path, name: &str, crate_types: &str, source: &str) {
    let package = folder.join(name);
    fs::create_dir_all(package.join("src")).unwrap();
    write(&package, "src/lib.rs", source);
    let manifest =
        format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n[lib]\ncrate-type = [{crate_types}]\n");
    write(&package, "Cargo.toml", &manifest);
}

#[test]
fn the_root_of_a_workspace_is_not_built_and_the_plugins_in_it_are_named() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    for (name, crate_types) in [("mailer", "\"cdylib\""), ("stock", "\"cdylib\""), ("prices", "\"lib\"")] {
        library(folder, name, crate_types, "");
    }
    let workspace = "[workspace]\nresolver = \"3\"\nmembers = [\"mailer\", \"prices\", \"stock\"]\n";
    write(folder, "Cargo.toml", workspace);
    let root = folder.canonicalize().unwrap();
    let named = |name: &str| format!("plugin in its workspace: {}\n", root.join(name).display());
    let said = said(folder, "build")
        .ends_with(3)
        .says("the package in \".\" is not a plugin [build-failed]")
        .says(&named("mailer"))
        .says(&named("stock"))
        .says("hint: Name the folder of a plugin: `camshaft build DIR`.");
    assert!(!said.stderr.contains(&named("prices")), "{said:#?}");
    assert_eq!(said.stdout, "");
}

#[test]
fn a_build_that_a_signal_ends_does_not_blame_the_plugin() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    library(folder, "stock", "\"cdylib\"", "");
    let cargo = folder.join("cargo");
    let real = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    // The build itself dies; the questions before it are answered.
    let script = format!("#!/bin/sh\n[ \"$1\" = build ] && kill -TERM $$\nexec \"{real}\" \"$@\"\n");
    fs::write(&cargo, script).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    Said::of(camshaft(folder).args(["build", "stock"]).env("CARGO", &cargo))
        .ends_with(3)
        .says("cargo ended by signal: 15 (SIGTERM) before the plugin in \"stock\" was built [build-failed]")
        .says("hint: Run the build again.");
}

#[test]
fn compiler_settings_of_the_caller_do_not_reach_the_build_of_a_plugin() {
    let folder = tempdir().unwrap();
    library(
        folder.path(),
        "sheltered",
        "\"cdylib\"",
        "#[cfg(of_caller)]\ncompile_error!(\"a flag of the caller\");\n",
    );
    let package = folder.path().join("sheltered");
    let mut build = camshaft(&package);
    build.arg("build").env("CARGO_TARGET_DIR", package.join("target"));
    build.env("RUSTFLAGS", "--cfg of_caller").env("CARGO_BUILD_RUSTFLAGS", "--cfg of_caller");
    build.env("CARGO_ENCODED_RUSTFLAGS", "--cfg\u{1f}of_caller");
    // Programs that cannot be started: cargo would fail if it used one of them.
    for variable in [
        "CARGO_BUILD_RUSTC",
        "CARGO_BUILD_RUSTC_WRAPPER",
        "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
        "RUSTC",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
    ] {
        build.env(variable, "/nowhere/of-caller");
    }
    let said = Said::of(&mut build);
    let module = package.join("target/guests/wasm32-unknown-unknown/release/sheltered.wasm");
    assert!(module.is_file(), "it was not compiled: {said:#?}");
}
