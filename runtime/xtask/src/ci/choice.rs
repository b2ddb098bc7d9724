//! Which slow suites a run of CI includes, and why.
//!
//! A suite that the change can touch runs. So does the one whose turn it is: the commit's hash picks one
//! suite of all, so that each suite runs on average with every eighth commit even where no change can touch
//! it. Where history is missing, all suites run.

use anyhow::{Context, Result};

use super::change::Change;
use super::packages::Packages;
use super::suite::{Suite, Touched};
use crate::command;

/// The suites of one run.
pub(super) struct Choice {
    /// What runs, with the reason, in CI's order.
    pub(super) included: Vec<(Suite, String)>,
    pub(super) left_out: Vec<Suite>,
}

impl Choice {
    /// Decides for the change in this checkout: since `since`, or of the last day.
    ///
    /// # Errors
    /// If `since` names no commit, or cargo does not list the packages.
    pub(super) fn of_checkout(since: Option<&str>) -> Result<Self> {
        match Change::read(&command::root(), since)? {
            Some(change) => Self::of(&change, &Packages::read()?),
            None => Ok(Self::all("git knows no commit that is a day older than this one")),
        }
    }

    /// Every suite.
    pub(super) fn all(reason: &str) -> Self {
        let included = Suite::ALL.into_iter().map(|suite| (suite, reason.to_owned())).collect();
        Self { included, left_out: Vec::new() }
    }

    fn of(change: &Change, packages: &Packages) -> Result<Self> {
        let turn = turn(&change.head)?;
        let mut choice = Self { included: Vec::new(), left_out: Vec::new() };
        for suite in Suite::ALL {
            let touching = change.files.iter().find(|file| match Suite::touched_by(file, packages) {
                Touched::All => true,
                Touched::These(suites) => suites.contains(&suite),
            });
            match touching {
                Some(file) => choice.included.push((suite, format!("'{}' can touch it", file.display()))),
                None if suite == turn => choice.included.push((suite, "it is its turn".to_owned())),
                None => choice.left_out.push(suite),
            }
        }
        Ok(choice)
    }

    pub(super) fn includes(&self, suite: Suite) -> bool {
        self.included.iter().any(|(included, _)| *included == suite)
    }
}

/// The suite whose turn it is with this commit.
fn turn(head: &str) -> Result<Suite> {
    let digits = head.get(..8).context("a commit's hash is too short")?;
    let number = usize::from_str_radix(digits, 16).context("a commit's hash is no number")?;
    Ok(Suite::ALL[number % Suite::ALL.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(head: &str, files: &[&str]) -> Choice {
        let change = Change { head: head.to_owned(), files: files.iter().map(Into::into).collect() };
        Choice::of(&change, &Packages::read().unwrap()).unwrap()
    }

    fn included(choice: &Choice) -> Vec<Suite> {
        choice.included.iter().map(|(suite, _)| *suite).collect()
    }

    #[test]
    fn a_change_to_prose_leaves_only_the_suite_whose_turn_it_is() {
        for (number, suite) in Suite::ALL.into_iter().enumerate() {
            let choice = choice(&format!("{number:08x}"), &["CHANGELOG.md"]);
            assert_eq!(included(&choice), [suite]);
            assert_eq!(choice.left_out.len(), Suite::ALL.len() - 1);
        }
    }

    #[test]
    fn a_touched_suite_runs_whatever_the_hash_says_and_names_the_file() {
        let choice = choice("00000000", &["CHANGELOG.md", "examples/flights/january-2013.csv.gz"]);
        assert_eq!(included(&choice), [Suite::Simulation, Suite::Demo]);
        assert_eq!(choice.included[1].1, "'examples/flights/january-2013.csv.gz' can touch it");
        assert!(choice.includes(Suite::Demo) && !choice.includes(Suite::Torture));
    }

    #[test]
    fn a_file_that_is_not_known_brings_every_suite() {
        assert_eq!(included(&choice("00000000", &["Cargo.lock"])), Suite::ALL);
        assert_eq!(included(&Choice::all("asked for")), Suite::ALL);
    }

    #[test]
    fn a_hash_that_is_none_is_an_error() {
        for head in ["", "0000", "not hexadecimal"] {
            assert!(turn(head).is_err(), "{head}");
        }
    }
}
