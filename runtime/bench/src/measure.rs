//! What every measurement needs: contenders that take turns, medians with their spread, percentiles.
//!
//! The machine is never quiet, so contenders take turns within each round and only ratios inside one round
//! mean anything. What is done with the figures stands in `report.rs`.

mod number;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

pub use number::number;

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

/// A bar for so many steps of a long work.
pub fn progress(steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} [{elapsed}] {wide_msg}")
        .expect("the template is well formed");
    ProgressBar::new(steps as u64).with_style(style)
}

/// A median of several runs and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_value_or_between_the_two_middle_ones() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]), Median { median: 2.0, spread: 4.0 });
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]).median, 2.5);
        assert_eq!(median(vec![0.0]), Median { median: 0.0, spread: 0.0 });
    }

    #[test]
    fn percentiles_reach_from_the_least_value_to_the_largest() {
        let mut values: Vec<f64> = (0..=1_000).rev().map(f64::from).collect();
        let parts = [0.0, 0.5, 0.99, 0.999, 1.0];
        assert_eq!(parts.map(|part| percentile(&mut values, part)), [0.0, 500.0, 990.0, 999.0, 1_000.0]);
    }

    #[test]
    fn contenders_take_turns_within_each_round() {
        let mut turns = Vec::new();
        let results = interleave(2, &['a', 'b'], |contender, round, _| {
            turns.push((round, contender));
            Ok(turns.len())
        });
        assert_eq!(results.unwrap(), [[1, 3], [2, 4]]);
        assert_eq!(turns, [(0, 'a'), (0, 'b'), (1, 'a'), (1, 'b')]);
    }
}
