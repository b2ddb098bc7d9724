//! One guest program per behaviour under test, built as components when a test first asks for one.
//!
//! The programs are the examples of the package in `programs/`. They are for tests and measurements only;
//! each file's first line says what its guest does. All but a few handle the type `test.event`, or decide
//! the command `test.do`.
//!
//! ```no_run
//! let component = std::fs::read(camshaft_test_guests::component("loops-forever"));
//! ```

pub mod bombs;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use camshaft_guest_build::{Component, Guests, Toolchain};

/// The names of all guests under test, ascending. Each is the plugin's name, too.
pub const NAMES: [&str; 54] = [
    "account",
    "account-otherwise",
    "aggregate-with-state",
    "allocates-without-end",
    "asks-for-sockets",
    "contradicts-itself",
    "counter",
    "courses",
    "decide-traps",
    "defies-refusals",
    "echo",
    "evolve-loads",
    "evolve-loops",
    "evolve-reads-config",
    "evolve-rejects",
    "fails-with-facts",
    "fetches",
    "floods-denied",
    "floods-log",
    "floods-timers",
    "hoards-bodies",
    "hoards-reads",
    "ignores",
    "later-version",
    "logs",
    "loops-forever",
    "other-world",
    "overflows-stack",
    "overlaps",
    "panics",
    "ping",
    "pong",
    "prints",
    "publishes-undeclared",
    "raw",
    "reads-config",
    "records-undeclared",
    "rejects",
    "reloads",
    "remembers",
    "retries",
    "scans",
    "scans-large-values",
    "scans-own-writes",
    "sends",
    "spins",
    "sums",
    "tells-facts",
    "timers",
    "traps",
    "updates",
    "without-manifest",
    "witness",
    "writes-much",
];

/// The component of a guest under test. The first call of a process builds all of them, which cargo does only
/// once for all processes; its progress goes to stderr.
///
/// # Panics
/// If there is no such guest, or it cannot be built.
#[must_use]
pub fn component(name: &str) -> &'static Path {
    static BUILT: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build(&guests().packages(["camshaft-test-programs"]).examples()));
    built.get(name).unwrap_or_else(|| panic!("no guest is called \"{name}\"; there are {NAMES:?}"))
}

/// Another version of the guest `reloads`, by its number and what becomes of each event: `good`, `trap`,
/// `odd!` (traps on odd numbers) or `late` (a retry).
///
/// # Panics
/// If the number has more than three digits, or `behaviour` not four letters.
#[must_use]
pub fn version(number: u32, behaviour: &str) -> Vec<u8> {
    let bytes = std::fs::read(component("reloads")).expect("a component that was built can be read");
    changed(bytes, "version 001 good", &format!("version {number:03} {behaviour}"))
}

/// The same, with a higher `state_revision` in its manifest.
#[must_use]
pub fn raised(number: u32, behaviour: &str) -> Vec<u8> {
    changed(version(number, behaviour), "state_revision = 1", "state_revision = 2")
}

/// A version of the plugin `account` with a higher `state_revision`, so that its folds are made again.
///
/// # Panics
/// If the guest cannot be built.
#[must_use]
pub fn raised_account(guest: &str) -> Vec<u8> {
    changed(read(guest), "state_revision = 1", "state_revision = 2")
}

/// The guest `account` with another name of the same length.
///
/// # Panics
/// If the guest cannot be built, or the name has another length.
#[must_use]
pub fn renamed_account(name: &str) -> Vec<u8> {
    changed(read("account"), "name = 'account'", &format!("name = '{name}'"))
}

fn read(guest: &str) -> Vec<u8> {
    std::fs::read(component(guest)).expect("a component that was built can be read")
}

/// `bytes` with a text in them changed wherever it stands.
fn changed(mut bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "{to:?} has another length than {from:?}");
    let windows = bytes.windows(from.len()).enumerate();
    let found: Vec<usize> =
        windows.filter(|(_, window)| *window == from.as_bytes()).map(|(at, _)| at).collect();
    assert!(!found.is_empty(), "the guest does not hold {from:?}");
    for at in found {
        bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

/// The components of plugins in this repository, by package name, built together: `plugins(&["tally"])`.
///
/// # Panics
/// If one of them does not exist or cannot be built.
#[must_use]
pub fn plugins(packages: &[&str]) -> BTreeMap<String, PathBuf> {
    build(&guests().packages(packages.iter().copied()))
}

fn guests() -> Guests {
    Guests::in_folder(Path::new(env!("CARGO_MANIFEST_DIR")).join("programs"))
}

fn build(guests: &Guests) -> BTreeMap<String, PathBuf> {
    let toolchain = Toolchain::find().unwrap_or_else(|error| panic!("{error}"));
    let components = toolchain.build(guests).unwrap_or_else(|error| panic!("{error}"));
    components.into_iter().map(|Component { name, path }| (name, path)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_guest_under_test_is_listed_and_builds() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/examples");
        let mut files: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        files.sort();
        assert_eq!(files, NAMES);
        for name in NAMES {
            let component = fs::read(component(name)).unwrap();
            assert!(component.starts_with(b"\0asm\x0d\x00\x01\x00"), "{name} is no component");
        }
    }

    #[test]
    fn a_component_has_the_imports_and_exports_of_its_world_only() {
        const HANDLER: [&str; 2] = ["camshaft:plugin/state@0.1.0", "handle"];
        const AGGREGATE: [&str; 4] =
            ["camshaft:plugin/scopes@0.2.0", "camshaft:plugin/deciding@0.2.0", "decide", "evolve"];
        let has = |component: &[u8], name: &str| {
            // A name in a component follows its length.
            let sized = [&[u8::try_from(name.len()).unwrap()], name.as_bytes()].concat();
            component.windows(sized.len()).any(|window| window == sized)
        };
        for (guest, own, other) in
            [("counter", &HANDLER[..], &AGGREGATE[..]), ("courses", &AGGREGATE, &HANDLER)]
        {
            let component = fs::read(component(guest)).unwrap();
            for name in own {
                assert!(has(&component, name), "{guest} has no {name}");
            }
            for name in other {
                assert!(!has(&component, name), "{guest} has {name}");
            }
        }
    }

    #[test]
    #[should_panic = "no guest is called \"loops-for-ever\""]
    fn a_name_that_is_no_guests_is_answered_with_the_names() {
        let _ = component("loops-for-ever");
    }
}
