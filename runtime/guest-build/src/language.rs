//! The language of a plugin's folder.

use std::{fmt, path::Path};

/// A language that plugins are built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// A Cargo package.
    Rust,
    /// An npm package.
    JavaScript,
    /// A Python project.
    Python,
}

impl Language {
    /// All languages, in the order in which a folder is checked.
    pub const ALL: [Self; 3] = [Self::Rust, Self::JavaScript, Self::Python];

    /// The language of the plugin in `folder`: the first one whose project file exists.
    #[must_use]
    pub fn of(folder: &Path) -> Option<Self> {
        Self::ALL.into_iter().find(|language| folder.join(language.project_file()).is_file())
    }

    /// The project file of this language.
    #[must_use]
    pub const fn project_file(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::JavaScript => "package.json",
            Self::Python => "pyproject.toml",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::JavaScript => "JavaScript",
            Self::Python => "Python",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_told_by_its_project_file_and_rust_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Language::of(folder.path()), None);
        for language in Language::ALL.into_iter().rev() {
            std::fs::write(folder.path().join(language.project_file()), "").unwrap();
            assert_eq!(Language::of(folder.path()), Some(language));
        }
    }
}
