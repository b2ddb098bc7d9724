//! One table of figures: cases down, contenders across, a sample per round in each cell.

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::measure::{Median, median};

/// Which way a figure is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Rates.
    Higher,
    /// Times and sizes.
    Lower,
}

/// A table of figures of one unit.
#[derive(Clone, Debug)]
pub struct Grid {
    /// What is compared.
    pub title: String,
    /// Of every cell.
    pub unit: String,
    /// Which way a figure is good.
    pub better: Better,
    /// The contender that others are compared with, if any.
    pub base: Option<usize>,
    /// Across.
    pub contenders: Vec<String>,
    /// Down: the case, and each contender's samples, one per round; none where it has no such case.
    pub rows: Vec<(String, Vec<Vec<f64>>)>,
}

impl Grid {
    /// A table without rows.
    pub fn new<C: Into<String>>(
        title: &str,
        unit: &str,
        better: Better,
        contenders: impl IntoIterator<Item = C>,
    ) -> Self {
        Self {
            title: title.to_owned(),
            unit: unit.to_owned(),
            better,
            base: None,
            contenders: contenders.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// Compares all others with this contender, if it is there.
    #[must_use]
    pub fn base(mut self, contender: &str) -> Self {
        self.base = self.contenders.iter().position(|name| name == contender);
        self
    }

    /// Adds a row.
    pub fn row(&mut self, case: impl Into<String>, samples: Vec<Vec<f64>>) {
        assert_eq!(samples.len(), self.contenders.len(), "a row has a cell for each contender");
        self.rows.push((case.into(), samples));
    }

    /// Adds a row of figures that were taken once.
    pub fn once(&mut self, case: impl Into<String>, values: impl IntoIterator<Item = f64>) {
        self.row(case, values.into_iter().map(|value| vec![value]).collect());
    }

    /// The median of a cell, if it has samples.
    pub fn median(samples: &[f64]) -> Option<Median> {
        (!samples.is_empty()).then(|| median(samples.to_vec()))
    }

    /// How many times better the base is than this cell: the median of the ratios made within each round,
    /// where both ran under the same conditions.
    pub fn base_ahead(&self, row: usize, contender: usize) -> Option<Median> {
        let samples = &self.rows.get(row)?.1;
        let base = self.base.filter(|base| *base != contender)?;
        let pairs = samples.get(base)?.iter().zip(samples.get(contender)?);
        let ratios: Vec<f64> = pairs
            .map(|(base, this)| match self.better {
                Better::Higher => base / this,
                Better::Lower => this / base,
            })
            .collect();
        Self::median(&ratios)
    }
}

impl Serialize for Grid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = self.rows.iter().enumerate().map(|(row, (case, samples))| {
            let cells = samples.iter().enumerate().map(|(contender, samples)| {
                serde_json::json!({
                    "samples": samples,
                    "median": Self::median(samples),
                    "base_ahead": self.base_ahead(row, contender),
                })
            });
            serde_json::json!({ "case": case, "cells": cells.collect::<Vec<_>>() })
        });
        let mut grid = serializer.serialize_struct("Grid", 6)?;
        grid.serialize_field("title", &self.title)?;
        grid.serialize_field("unit", &self.unit)?;
        grid.serialize_field("better", &self.better)?;
        grid.serialize_field("base", &self.base.and_then(|base| self.contenders.get(base)))?;
        grid.serialize_field("contenders", &self.contenders)?;
        grid.serialize_field("rows", &rows.collect::<Vec<_>>())?;
        grid.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_made_within_each_round() {
        let mut grid = Grid::new("speed", "events/s", Better::Higher, ["ours", "theirs"]).base("ours");
        // The machine slowed down between the rounds: each round says twice as fast, mixed ones would not.
        grid.row("small", vec![vec![100.0, 50.0, 10.0], vec![50.0, 25.0, 5.0]]);
        let ahead = grid.base_ahead(0, 1).unwrap();
        assert_eq!((ahead.median, ahead.spread), (2.0, 0.0));
        assert_eq!(grid.base_ahead(0, 0), None, "the base is not compared with itself");
    }

    #[test]
    fn of_times_the_shorter_is_better() {
        let mut grid = Grid::new("wait", "ms", Better::Lower, ["ours", "theirs", "left out"]).base("ours");
        grid.row("alone", vec![vec![2.0], vec![8.0], vec![]]);
        assert_eq!(grid.base_ahead(0, 1).map(|ahead| ahead.median), Some(4.0));
        assert_eq!(grid.base_ahead(0, 2), None);
    }
}
