//! How many instructions the hot path takes, counted by callgrind and held against what was accepted last.
//!
//! A count is the same however busy the machine is, so a change that makes the hot path longer is seen where
//! no clock would tell. Another compiler counts otherwise: then, or where a change is worth it, the counts
//! are accepted anew.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::Value;

use crate::command;

/// The counts that were accepted last: instructions per event by stage.
const ACCEPTED: &str = "runtime/engine/benches/instructions.json";

/// How far a count may lie from the accepted one, in percent of it.
const TOLERANCE_PERCENT: u64 = 10;

type Counts = BTreeMap<String, u64>;

/// Counts, and fails if a stage takes more or fewer instructions than it may; or accepts what is counted.
pub(crate) fn run(accept: bool) -> Result<()> {
    let file = command::root().join(ACCEPTED);
    let accepted: Counts =
        serde_json::from_str(&fs::read_to_string(&file).unwrap_or_else(|_| "{}".to_owned()))
            .with_context(|| format!("'{ACCEPTED}' is no table of counts"))?;
    valgrind()?;
    let program = build()?;
    let mut counts = Counts::new();
    for (stage, events) in stages(&program)? {
        let counted = count(&program, &stage)?;
        ensure!(
            counted > 0,
            "nothing was counted in stage {stage}: is its function still called `stage_{stage}`?"
        );
        counts.insert(stage, counted / events);
    }
    println!("{}", table(&accepted, &counts));
    if accept {
        fs::write(&file, serde_json::to_string_pretty(&counts)? + "\n")?;
        return Ok(());
    }
    let strayed: Vec<&str> = counts
        .iter()
        .filter(|(stage, count)| !is_near(accepted.get(*stage), **count))
        .map(|(s, _)| s.as_str())
        .collect();
    if !strayed.is_empty() || accepted.len() != counts.len() {
        bail!(
            "the hot path takes other instructions than '{ACCEPTED}' says, by more than {} %: {}. \
             If that is worth it, accept the counts: cargo xtask instructions --accept",
            TOLERANCE_PERCENT,
            strayed.join(", ")
        );
    }
    Ok(())
}

fn is_near(accepted: Option<&u64>, count: u64) -> bool {
    accepted.is_some_and(|accepted| count.abs_diff(*accepted) * 100 <= accepted * TOLERANCE_PERCENT)
}

fn table(accepted: &Counts, counts: &Counts) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["STAGE", "INSTRUCTIONS PER EVENT", "ACCEPTED", "CHANGE"]);
    for (stage, count) in counts {
        let before = accepted.get(stage);
        let change = before.map(|before| format!("{:+.1} %", (*count as f64 / *before as f64 - 1.0) * 100.0));
        let before = before.map(u64::to_string);
        table.add_row([
            stage.clone(),
            count.to_string(),
            before.unwrap_or_else(|| "-".to_owned()),
            change.unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    table
}

/// Builds the program whose instructions are counted.
fn build() -> Result<PathBuf> {
    let mut cargo =
        command::cargo(&["bench", "--locked", "--no-run", "-p", "camshaft-engine", "--bench", "hot_path"]);
    cargo.args(["--message-format", "json-render-diagnostics"]).stdout(Stdio::piped());
    let mut child = cargo.spawn().context("cargo could not be started")?;
    let mut program = None;
    for line in BufReader::new(child.stdout.take().context("cargo has no output")?).lines() {
        let message: Value = serde_json::from_str(&line?)?;
        let is_it = message.pointer("/target/name").is_some_and(|name| name == "hot_path");
        if let Some(path) = message.get("executable").and_then(Value::as_str).filter(|_| is_it) {
            program = Some(PathBuf::from(path));
        }
    }
    ensure!(child.wait()?.success(), "the hot path's bench does not build");
    program.context("cargo built no program for the hot path")
}

/// The stages, as the program tells them, with the events that each handles.
fn stages(program: &Path) -> Result<Vec<(String, u64)>> {
    let output = Command::new(program).output().context("the hot path's bench could not be started")?;
    ensure!(output.status.success(), "the hot path fails: {}", String::from_utf8_lossy(&output.stderr));
    let told: BTreeMap<String, u64> = serde_json::from_slice(&output.stdout)?;
    Ok(told.into_iter().collect())
}

fn count(program: &Path, stage: &str) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--toggle-collect=*stage_{stage}"))
        .arg(program)
        .output()
        .context("valgrind could not be started")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the hot path fails under valgrind: {said}");
    let collected =
        said.lines().find_map(|line| line.split_once("Collected :")).context("callgrind told no count")?;
    Ok(collected.1.trim().parse()?)
}

/// Installs valgrind where it is missing and the machine is Debian's.
fn valgrind() -> Result<()> {
    if Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    let mut install = Command::new("apt-get");
    install.args(["install", "-qq", "-y", "valgrind"]).env("DEBIAN_FRONTEND", "noninteractive");
    command::run(install)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_may_stray_by_a_tenth_either_way_and_no_stage_may_be_new() {
        for (count, expected) in [(1_100, true), (900, true), (1_101, false), (899, false)] {
            assert_eq!(is_near(Some(&1_000), count), expected, "{count}");
        }
        assert!(!is_near(None, 1));
    }
}
