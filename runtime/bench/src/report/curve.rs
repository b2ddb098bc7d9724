//! Figures along an axis, such as memory over time: too many for a table, so they are drawn and kept as JSON.

use serde::Serialize;

/// One picture of lines over the same axis.
#[derive(Clone, Debug, Serialize)]
pub struct Curve {
    /// What is shown.
    pub title: String,
    /// The axis across, with its unit.
    pub across: String,
    /// The axis up, with its unit.
    pub up: String,
    /// The lines.
    pub lines: Vec<Line>,
}

/// One line.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Whose.
    pub name: String,
    /// Across and up.
    pub points: Vec<(f64, f64)>,
}
