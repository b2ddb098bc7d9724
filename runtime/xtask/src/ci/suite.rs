//! The slow suites, what each of them runs, and so which files can change its result.

use std::path::Path;

use anyhow::Result;

use super::packages::Packages;
use crate::{bench, clients, demo, instructions, readme, repository, torture};

/// A slow suite. A run of CI leaves it out if the change cannot touch it and it is not its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suite {
    Simulation,
    Torture,
    Demo,
    Readme,
    Clients,
    Instructions,
    Bench,
    Repository,
}

/// What a change to one file can touch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Touched {
    /// Every suite: the file belongs to no package and no list here names it, or CI itself is made of it.
    All,
    These(Vec<Suite>),
}

/// Files that no slow suite reads, though no package owns them, or a package that suites are built of does.
const READ_BY_NONE: [&str; 9] = [
    ".git-blame-ignore-revs",
    ".gitignore",
    "LICENSE",
    "clippy.toml",
    "examples/polyglot/tests",
    "examples/shop",
    "runtime/examples",
    "runtime/performance",
    "rustfmt.toml",
];

impl Suite {
    /// All suites, in the order in which CI runs them.
    pub(super) const ALL: [Self; 8] = [
        Self::Simulation,
        Self::Torture,
        Self::Demo,
        Self::Readme,
        Self::Clients,
        Self::Instructions,
        Self::Bench,
        Self::Repository,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Simulation => "simulation",
            Self::Torture => "torture",
            Self::Demo => "demo",
            Self::Readme => "readme",
            Self::Clients => "official clients",
            Self::Instructions => "instructions",
            Self::Bench => "quick bench",
            Self::Repository => "repository",
        }
    }

    /// What runs it alone.
    pub(super) const fn command(self) -> &'static str {
        match self {
            Self::Simulation => "cargo xtask sim",
            Self::Torture => "cargo xtask torture",
            Self::Demo => "cargo xtask demo",
            Self::Readme => "cargo xtask readme",
            Self::Clients => "cargo xtask clients",
            Self::Instructions => "cargo xtask instructions",
            Self::Bench => "cargo xtask bench --quick",
            Self::Repository => "cargo xtask repository",
        }
    }

    /// Runs it. With `all`, the readers' documents install the program as they say; else they share the one
    /// that the other checks run.
    pub(super) fn run(self, all: bool) -> Result<()> {
        match self {
            Self::Simulation => super::sim(&[]),
            Self::Torture => torture::run(1.0, 60, None),
            Self::Demo => demo::run(false),
            Self::Readme => readme::run(all),
            Self::Clients => clients::run(),
            Self::Instructions => instructions::run(false),
            Self::Bench => bench::run(&["--quick".to_owned()]),
            Self::Repository => repository::run(),
        }
    }

    /// The packages that it runs. A change to one of them, or to a package that they are built of, touches
    /// it.
    const fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Simulation => &["camshaft-sim"],
            Self::Torture | Self::Clients => &["camshaft-cli", "camshaft-test-programs"],
            Self::Demo => {
                &["camshaft-cli", "carrier-stats", "carrier-stats-fixed", "delay-alert", "airport-board"]
            }
            Self::Readme => &["camshaft-cli", "tally"],
            Self::Instructions => &["camshaft-engine"],
            Self::Bench => &["camshaft-bench", "camshaft-test-programs", "meters-rust"],
            Self::Repository => &[],
        }
    }

    /// Files and folders outside those packages that it reads.
    const fn files(self) -> &'static [&'static str] {
        match self {
            Self::Simulation | Self::Instructions => &[],
            Self::Torture | Self::Clients => &["wit"],
            Self::Demo => &["examples/flights", "wit"],
            Self::Readme => &["README.md", "sdk", "wit"],
            Self::Bench => &["examples/polyglot", "sdk", "wit"],
            Self::Repository => &[".github", "deny.toml"],
        }
    }

    /// Which suites a change to `file` can touch.
    pub(super) fn touched_by(file: &Path, packages: &Packages) -> Touched {
        let owner = packages.owner(file);
        if owner.is_some_and(|owner| owner.name == env!("CARGO_PKG_NAME")) {
            return Touched::All;
        }
        let is_test = owner.is_some_and(|owner| file.starts_with(owner.folder.join("tests")));
        if is_test || is_below(file, &READ_BY_NONE) {
            return Touched::These(Vec::new());
        }
        if file.extension().is_some_and(|extension| extension == "md") {
            let is_run = is_below(file, &readme::DOCUMENTS);
            return Touched::These(if is_run { vec![Self::Readme] } else { Vec::new() });
        }
        let touches = |suite: &Self| {
            let is_built_of = |name| packages.built_of(suite.packages()).contains(name);
            is_below(file, suite.files()) || owner.is_some_and(|owner| is_built_of(&*owner.name))
        };
        let touched: Vec<Self> = Self::ALL.into_iter().filter(touches).collect();
        if touched.is_empty() && owner.is_none() { Touched::All } else { Touched::These(touched) }
    }
}

fn is_below(file: &Path, paths: &[&str]) -> bool {
    paths.iter().any(|path| file.starts_with(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command;

    fn check(file: &str, expected: &[Suite]) {
        let packages = Packages::read().unwrap();
        let expected = Touched::These(expected.to_vec());
        assert_eq!(Suite::touched_by(Path::new(file), &packages), expected, "{file}");
    }

    #[test]
    fn a_file_touches_the_suites_that_are_built_of_its_package_or_read_it() {
        use Suite::{Bench, Clients, Demo, Readme, Repository, Simulation, Torture};
        // All but the one that builds nothing of the workspace.
        const RUNNING: &[Suite] = Suite::ALL.split_at(Suite::ALL.len() - 1).0;
        for core in ["event", "log", "tables", "engine"] {
            check(&format!("runtime/{core}/src/lib.rs"), RUNNING);
        }
        for outer in
            ["host/src/lib.rs", "server/src/lib.rs", "wire/src/lib.rs", "src/bus.rs", "cli/src/lib.rs"]
        {
            check(&format!("runtime/{outer}"), &[Torture, Demo, Readme, Clients, Bench]);
        }
        check("runtime/sim/src/run.rs", &[Simulation]);
        check("runtime/bench/src/main.rs", &[Bench]);
        check("runtime/test-guests/programs/examples/witness.rs", &[Torture, Clients, Bench]);
        check("examples/flights/january-2013.csv.gz", &[Demo]);
        check("plugins/tally/src/lib.rs", &[Readme]);
        check("sdk/src/lib.rs", &[Torture, Demo, Readme, Clients, Bench]);
        check("runtime/engine/benches/hot_path.rs", RUNNING);
        check("wit/v0.1/world.wit", &[Torture, Demo, Readme, Clients, Bench]);
        check("README.md", &[Readme]);
        check("sdk/GUIDE.md", &[Readme]);
        check("deny.toml", &[Repository]);
        check(".github/workflows/ci.yml", &[Repository]);
    }

    #[test]
    fn prose_tests_and_plugins_that_only_tests_run_touch_no_suite() {
        for file in [
            "CHANGELOG.md",
            "runtime/OPERATING.md",
            "runtime/engine/tests/promises/main.rs",
            "plugins/webhook/src/lib.rs",
            "examples/shop/orders.ndjson",
        ] {
            check(file, &[]);
        }
    }

    #[test]
    fn a_file_that_is_not_known_touches_every_suite() {
        let packages = Packages::read().unwrap();
        for file in ["Cargo.lock", ".ci/run", "new-folder/file", "runtime/xtask/src/demo.rs"] {
            assert_eq!(Suite::touched_by(Path::new(file), &packages), Touched::All, "{file}");
        }
    }

    #[test]
    fn every_path_and_package_that_is_named_exists() {
        let packages = Packages::read().unwrap();
        let paths = Suite::ALL.iter().flat_map(|suite| suite.files()).chain(&READ_BY_NONE);
        for path in paths.chain(&readme::DOCUMENTS) {
            assert!(command::root().join(path).exists(), "{path}");
        }
        for name in Suite::ALL.iter().flat_map(|suite| suite.packages()) {
            assert!(packages.built_of(&[name]).contains(name), "{name}");
        }
    }
}
