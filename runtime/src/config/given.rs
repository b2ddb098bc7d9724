//! A setting as written in its source: key, text and place, before its value is parsed.

use std::{fmt, path::PathBuf};

/// One setting from one source.
#[derive(Clone, Debug)]
pub(super) struct Given {
    /// The dotted key, such as `retention.age`.
    pub key: String,
    /// The value; several for a list.
    pub values: Vec<String>,
    /// Where it was given.
    pub place: Place,
}

/// Where a setting is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a settings file.
    File {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
    },
    /// In an environment variable.
    Environment(String),
    /// By a flag with the name of the setting.
    Flag(&'static str),
}

impl Given {
    /// A setting from a source that knows only text; a list is separated by commas.
    pub(super) fn text(key: impl Into<String>, text: String, place: Place) -> Self {
        Self { key: key.into(), values: vec![text], place }
    }

    /// The text of a setting that is no list.
    pub(super) fn single(&self) -> Result<&str, String> {
        match self.values.as_slice() {
            [text] => Ok(text),
            _ => Err("it must be one value, not a list".into()),
        }
    }

    /// The texts of a setting that is a list.
    pub(super) fn list(&self) -> Vec<String> {
        let texts = self.values.iter().flat_map(|text| match self.place {
            Place::File { .. } => vec![text.as_str()],
            _ => text.split(',').map(str::trim).collect(),
        });
        texts.filter(|text| !text.is_empty()).map(str::to_owned).collect()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "\"{}\", line {line}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag(key) => write!(f, "--{}", key.replace('_', "-")),
        }
    }
}
