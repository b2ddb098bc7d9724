//! What a measurement found: tables of samples with conditions, as JSON, as Markdown and as a picture.
//!
//! A bench returns a [`Report`]; `main.rs` prints it and has it written. Nothing is measured here, and
//! nothing is judged: a figure that misses its goal is printed like any other.

mod conditions;
mod curve;
mod grid;
mod markdown;
mod plot;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

pub use conditions::Conditions;
pub use curve::{Curve, Line};
pub use grid::{Better, Grid};

/// Everything that one bench found.
#[derive(Serialize)]
pub struct Report {
    /// The bench, and the name of the files.
    pub name: &'static str,
    /// What was measured, in a line or two.
    pub about: String,
    /// How it was measured: sizes, counts, who does what.
    pub settings: Vec<(String, String)>,
    /// The figures.
    pub grids: Vec<Grid>,
    /// What changes over time or size.
    pub curves: Vec<Curve>,
}

impl Report {
    /// One with nothing in it yet.
    pub fn new(name: &'static str, about: impl Into<String>) -> Self {
        Self { name, about: about.into(), settings: Vec::new(), grids: Vec::new(), curves: Vec::new() }
    }

    /// Says how it was measured.
    #[must_use]
    pub fn setting(mut self, what: &str, value: impl Into<String>) -> Self {
        self.settings.push((what.to_owned(), value.into()));
        self
    }

    /// As Markdown, without the conditions.
    pub fn markdown(&self) -> String {
        markdown::report(self)
    }

    /// Writes `NAME.json`, `NAME.md` and, where something is to be drawn, `NAME.svg`.
    pub fn write(&self, conditions: &Conditions, folder: &Path) -> Result<()> {
        let put = |extension: &str, text: &str| {
            let path = folder.join(format!("{}.{extension}", self.name));
            fs::write(&path, text).with_context(|| format!("could not write '{}'", path.display()))
        };
        let document = serde_json::json!({ "conditions": conditions, "report": self });
        put("json", &serde_json::to_string_pretty(&document)?)?;
        put("md", &format!("{}\n{}", conditions.markdown(), self.markdown()))?;
        match plot::draw(self)? {
            Some(picture) => put("svg", &picture),
            None => Ok(()),
        }
    }
}
