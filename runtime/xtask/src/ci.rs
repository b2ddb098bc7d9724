//! What must hold before a change lands, in the order in which mistakes are cheapest.
//!
//! Cheap steps always run. Slow suites run if the change can touch them, or in turn; `--all` runs every one.

mod change;
mod choice;
mod packages;
mod suite;
mod timetable;

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::{command, tidy, toolchain};
use choice::Choice;
use suite::Suite;
use timetable::Timetable;

/// How long a whole run may take. More is a failure, so that CI does not grow unnoticed.
const LIMIT: Duration = Duration::from_secs(75 * 60);

/// Seeds that run where the full simulation is left out: a tenth of it.
const SHARE_OF_SEEDS: &str = "300";

type Step = (&'static str, Box<dyn Fn() -> Result<()>>);

/// Runs the checks for the change since a revision, or of the last day; with `all` those of every
/// suite, and the installation for release.
pub(crate) fn run(all: bool, since: Option<&str>) -> Result<()> {
    let choice = if all { Choice::all("`--all` asks for it") } else { Choice::of_checkout(since)? };
    explain(&choice);
    let steps = steps(&choice, all);
    let mut timetable = Timetable::new(steps.len(), LIMIT);
    let done = steps.iter().try_for_each(|(name, body)| timetable.step(name, body));
    eprintln!("\n{}", timetable.table());
    explain(&choice);
    done
}

fn steps(choice: &Choice, all: bool) -> Vec<Step> {
    let mut steps: Vec<Step> = vec![
        ("house rules", Box::new(|| tidy::run(false))),
        ("format", Box::new(|| command::run(command::cargo(&["fmt", "--all", "--check"])))),
        ("lints", Box::new(lints)),
        ("docs", Box::new(docs)),
        ("tests", Box::new(|| test(&[]))),
    ];
    if !choice.includes(Suite::Simulation) {
        let share = ["--seeds".to_owned(), SHARE_OF_SEEDS.to_owned()];
        steps.push(("a share of the simulation", Box::new(move || sim(&share))));
    }
    for (suite, _) in &choice.included {
        let suite = *suite;
        steps.push((suite.name(), Box::new(move || suite.run(all))));
    }
    steps
}

/// Says which slow suites run and which do not, each with the reason.
fn explain(choice: &Choice) {
    for (suite, reason) in &choice.included {
        eprintln!("{} runs: {reason}", suite.name());
    }
    for suite in &choice.left_out {
        let command = suite.command();
        eprintln!("{} is left out: the change cannot touch it. Run it with `{command}`.", suite.name());
    }
    if !choice.left_out.is_empty() {
        eprintln!("`cargo xtask ci --all` runs every suite.");
    }
}

/// All tests. Their features are those that the tests' own dependencies ask for, so that the other checks
/// share what is built here: see [`command::program`]. Plugins that the tests need are built by the tests
/// themselves, with the toolchain that is here now.
pub(crate) fn test(arguments: &[String]) -> Result<()> {
    toolchain::ensure()?;
    let mut command = command::cargo(&["test", "--locked", "--workspace"]);
    command.args(arguments);
    command::run(command)
}

/// The simulation of `runtime/sim`, without arguments as CI wants it.
pub(crate) fn sim(arguments: &[String]) -> Result<()> {
    let mut command = Command::new(command::program(command::SIMULATOR)?);
    command.args(arguments);
    command::run(command)
}

fn lints() -> Result<()> {
    command::run(command::cargo(&[
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ]))
}

fn docs() -> Result<()> {
    // With the features of the lints, whose checked dependencies it shares.
    let mut command = command::cargo(&["doc", "--locked", "--workspace", "--all-features", "--no-deps"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    command::run(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_simulation_runs_where_the_whole_is_left_out() {
        let names = |choice: &Choice| steps(choice, true).iter().map(|(name, _)| *name).collect::<Vec<_>>();
        let all = names(&Choice::all(""));
        assert_eq!(all[all.len() - Suite::ALL.len()..], Suite::ALL.map(Suite::name));
        assert!(!all.contains(&"a share of the simulation"));
        let none = names(&Choice { included: Vec::new(), left_out: Suite::ALL.to_vec() });
        assert_eq!(none.last(), Some(&"a share of the simulation"));
    }
}
