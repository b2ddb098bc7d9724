//! What every measurement needs: interleaved rounds, medians with their spread, a table, a JSON file.
//!
//! The machine is never quiet, so contenders take turns within each round and only ratios inside one run mean
//! anything.

use std::fs;
use std::path::Path;

use anyhow::Context;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// Runs `measure` for each contender in turn, `rounds` times, and returns each contender's results.
pub fn interleave<C: Copy, R>(
    rounds: usize,
    contenders: &[C],
    mut measure: impl FnMut(C, usize, &ProgressBar) -> anyhow::Result<R>,
) -> anyhow::Result<Vec<Vec<R>>> {
    let bar = progress(rounds * contenders.len());
    let mut results: Vec<Vec<R>> = contenders.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        for (contender, results) in contenders.iter().zip(&mut results) {
            results.push(measure(*contender, round, &bar)?);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(results)
}

fn progress(steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} [{elapsed}] {wide_msg}")
        .expect("the template is well formed");
    ProgressBar::new(steps as u64).with_style(style)
}

/// A median of several runs and how far they lie apart.
#[derive(Clone, Copy, Serialize)]
pub struct Median {
    /// The middle value, or the mean of the two middle ones.
    pub median: f64,
    /// Largest minus smallest, as a part of the median.
    pub spread: f64,
}

/// The median of `values`, none of which may be missing.
pub fn median(mut values: Vec<f64>) -> Median {
    assert!(!values.is_empty(), "a median needs a value");
    values.sort_by(f64::total_cmp);
    let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    let median = f64::midpoint(low, high);
    let spread = if median == 0.0 { 0.0 } else { (values[values.len() - 1] - values[0]) / median };
    Median { median, spread }
}

/// The value below which the given part (0 to 1) of `values` lies. Sorts them.
pub fn percentile(values: &mut [f64], part: f64) -> f64 {
    assert!(!values.is_empty(), "a percentile needs a value");
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part).round() as usize]
}

/// A figure that is compared: its name with unit, and a median per contender.
#[derive(Serialize)]
pub struct Figure {
    /// What was measured, with its unit.
    pub name: String,
    /// One per contender, in their order.
    pub medians: Vec<Median>,
}

/// Prints the figures, one row each, one column per contender, and writes them to `json` if given.
pub fn report(contenders: &[&str], figures: &[Figure], json: Option<&Path>) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["median (spread)"].iter().chain(contenders));
    for figure in figures {
        let cells = figure.medians.iter().map(|m| format!("{} (±{:.0} %)", short(m.median), m.spread * 50.0));
        table.add_row([figure.name.clone()].into_iter().chain(cells));
    }
    println!("{table}");
    if let Some(path) = json {
        let text = serde_json::to_string_pretty(
            &serde_json::json!({ "contenders": contenders, "figures": figures }),
        )?;
        fs::write(path, text).with_context(|| format!("could not write '{}'", path.display()))?;
    }
    Ok(())
}

/// Three significant digits, as far as a table needs them.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 1.0 => format!("{value:.3}"),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
