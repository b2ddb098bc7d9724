//! Which package may depend on which: programs that embed the library compile no server and no command line.

use std::collections::BTreeSet;
use std::process::Command;

/// The packages that `package` depends on: all of them, or those that its manifest names.
fn dependencies(package: &str, is_whole: bool) -> BTreeSet<String> {
    let depth = if is_whole { "1000" } else { "1" };
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    let output = tree.args(["--package", package, "--depth", depth]).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("names are text");
    let names = lines.lines().filter_map(|line| line.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != package).map(str::to_owned).collect()
}

#[test]
fn the_library_brings_neither_a_server_nor_a_command_line() {
    let found = dependencies("camshaft", true);
    assert!(found.contains("wasmtime") && found.contains("camshaft-wire"), "{found:?}");
    for other in ["axum", "clap", "ureq", "comfy-table", "indicatif", "camshaft-server", "camshaft-cli"] {
        assert!(!found.contains(other), "{other}");
    }
}

#[test]
fn each_package_knows_only_those_below_it() {
    for (package, known) in [
        ("camshaft-event", vec![]),
        ("camshaft-log", vec!["sabotage"]),
        ("camshaft-tables", vec!["event", "sabotage"]),
        ("camshaft-engine", vec!["event", "log", "sabotage", "tables"]),
        ("camshaft-host", vec!["event"]),
        ("camshaft-wire", vec!["event"]),
        ("camshaft-server", vec!["event", "wire"]),
    ] {
        let mut may: BTreeSet<String> = known.into_iter().map(|name| format!("camshaft-{name}")).collect();
        if package == "camshaft-server" {
            may.insert("camshaft".to_owned());
        }
        let found = dependencies(package, false);
        let ours: BTreeSet<String> = found.into_iter().filter(|name| name.starts_with("camshaft")).collect();
        assert!(ours.is_subset(&may), "{package} depends on {ours:?}, and may on {may:?}");
    }
}
