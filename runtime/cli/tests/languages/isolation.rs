//! A build uses the named plugin, and only the packages that the plugin declares.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::tempdir;

use crate::{
    does,
    process::{Said, camshaft, write},
    repository, said, target,
};

/// Two packages of the same name in two folders, with one target folder.
#[test]
fn a_plugin_is_not_taken_for_another_of_its_name() {
    let folder = tempdir().unwrap();
    for (place, version) in [("a", "1.0.0"), ("b", "1.0.0")] {
        let parent = folder.path().join(place);
        fs::create_dir(&parent).unwrap();
        said(&parent, "new twin").ends_with(0);
        let plugin = parent.join("twin");
        fs::copy(repository().join("Cargo.lock"), plugin.join("Cargo.lock")).unwrap();
        let source = fs::read_to_string(plugin.join("src/lib.rs")).unwrap();
        write(&plugin, "src/lib.rs", &source.replace("total.changed", &format!("total.changed.{place}")));
        let manifest = fs::read_to_string(plugin.join("Cargo.toml")).unwrap();
        write(&plugin, "Cargo.toml", &manifest.replace("0.1.0", version));
        // The files are older than all of cargo's results, so cargo sees no need to rebuild.
        does(&plugin, "find", &[".", "-exec", "touch", "-d", "2020-01-01", "{}", "+"]);
    }
    let published = |place: &str| {
        let built = said(folder.path(), &format!("build {place}/twin -o {place}.wasm --json")).ends_with(0);
        let built: Value = serde_json::from_str(&built.stdout).unwrap();
        built["report"]["publishes"][0].as_str().unwrap().to_owned()
    };
    for place in ["a", "b", "a", "b"] {
        assert_eq!(published(place), format!("total.changed.{place}"));
    }
}

/// Builds a Python plugin that imports `module`, on a machine that has the package `onlyhere` installed.
fn importing(module: &str, project: &str) -> Said {
    let folder = tempdir().unwrap();
    said(folder.path(), "new importer --lang python").ends_with(0);
    let plugin = folder.path().join("importer");
    let code = fs::read_to_string(plugin.join("plugin.py")).unwrap();
    write(&plugin, "plugin.py", &format!("import {module}\n{code}"));
    let settings = fs::read_to_string(plugin.join("pyproject.toml")).unwrap();
    write(&plugin, "pyproject.toml", &format!("{project}\n{settings}"));
    // Simulate the machine: its Python with one more package.
    let machine = folder.path().join("machine");
    let make = ["-m", "venv", "--system-site-packages", "--without-pip", &*machine.to_string_lossy()];
    does(folder.path(), "python3", &make);
    let python = machine.join("bin/python3");
    let packages = does(folder.path(), &python.to_string_lossy(), &["-c", PRINT_PACKAGES]);
    write(Path::new(packages.trim()), "onlyhere.py", "");
    let path = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths([machine.join("bin")].into_iter().chain(std::env::split_paths(&path)));
    let mut build = camshaft(&plugin);
    build.arg("build").env("PATH", path.unwrap()).env("CARGO_TARGET_DIR", target());
    Said::of(&mut build)
}

const PRINT_PACKAGES: &str = "import sysconfig; print(sysconfig.get_path('purelib'))";

#[test]
fn packages_of_the_machine_are_not_built_into_a_python_plugin() {
    importing("onlyhere", "").ends_with(3).says("No module named 'onlyhere'");
}

#[test]
fn packages_that_a_python_plugin_names_are_installed_for_it() {
    importing("six", "[project]\nname = \"importer\"\ndependencies = [\"six==1.17.0\"]\n").ends_with(0);
}

#[test]
fn packages_of_the_folders_above_are_not_built_into_a_javascript_plugin() {
    let folder = tempdir().unwrap();
    let above = folder.path().join("node_modules/onlyhere");
    fs::create_dir_all(&above).unwrap();
    write(&above, "package.json", r#"{ "name": "onlyhere", "version": "1.0.0", "main": "index.js" }"#);
    write(&above, "index.js", "export const here = 1;\n");
    said(folder.path(), "new importer --lang javascript").ends_with(0);
    let plugin = folder.path().join("importer");
    let code = fs::read_to_string(plugin.join("plugin.js")).unwrap();
    write(
        &plugin,
        "plugin.js",
        &format!("import {{ here }} from \"onlyhere\";\nglobalThis.here = here;\n{code}"),
    );
    said(&plugin, "build").ends_with(3).says("plugin.js imports \"onlyhere\"").says("`dependencies`");
}
