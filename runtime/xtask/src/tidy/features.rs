//! Dependencies that `cargo xtask` shares with the programs that it builds have the same features in both, or
//! cargo would compile them twice.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use crate::command::{self, SIMULATOR};

/// This program speaks to loopback only: it needs no TLS, which would be built before its first line is
/// printed.
const APART: [&str; 1] = ["ureq"];

/// Each feature that is missing here.
pub(super) fn breaches() -> Result<Vec<String>> {
    let own = tree(&["--package", env!("CARGO_PKG_NAME")])?;
    let all = tree(&["--workspace", "--exclude", SIMULATOR])?;
    Ok(differences(&own, &all))
}

/// Lines of a package and its features.
fn tree(packages: &[&str]) -> Result<String> {
    let mut tree = command::cargo(&["tree", "--locked", "--edges", "normal,build", "--prefix", "none"]);
    tree.args(["--no-dedupe", "--format", "{p}|{f}"]).args(packages);
    let output = tree.output().context("cargo could not be started")?;
    ensure!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

fn differences(own: &str, all: &str) -> Vec<String> {
    let all = features(all);
    let mut found = Vec::new();
    for (package, lists) in features(own) {
        let name = package.split(' ').next().unwrap_or_default();
        let Some(there) = all.get(package) else { continue };
        if APART.contains(&name) {
            continue;
        }
        for list in lists.iter().filter(|list| !there.contains(list)) {
            let wanted = there.iter().map(|list| format!("[{list}]")).collect::<Vec<_>>().join(" or ");
            found.push(format!("{package} is built with [{list}] here and with {wanted} in the programs"));
        }
    }
    found
}

/// A package may stand in a tree with several lists: cargo keeps those of what runs while compiling apart.
fn features(tree: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut lists: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (package, list) in tree.lines().filter_map(|line| line.split_once('|')) {
        let known = lists.entry(package).or_default();
        if !known.contains(&list) {
            known.push(list);
        }
    }
    lists
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_feature_is_named_and_what_only_one_side_has_is_not() {
        let own = "own v1.0.0|\nsemver v1.0.28|std\nsemver v1.0.28|serde,std\nureq v3.5.1|json\n";
        let all = "other v1.0.0|\nsemver v1.0.28|serde,std\nureq v3.5.1|json,rustls\n";
        let found = differences(own, all);
        assert_eq!(found, ["semver v1.0.28 is built with [std] here and with [serde,std] in the programs"]);
        assert_eq!(differences(all, all), Vec::<String>::new());
    }
}
