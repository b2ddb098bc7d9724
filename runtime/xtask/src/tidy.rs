//! House rules that a program can check: lengths of files and comments, no `mod.rs`, no forgotten markers, no
//! dependency that is compiled twice, and words of unclear prose that may only become fewer.
//!
//! rustfmt holds the width of code, and clippy the length of functions.

mod features;
mod files;
mod words;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::command;

/// Fails with every breach of the rules in the files that git tracks. With `accept`, records lower counts of
/// words first.
pub(crate) fn run(accept: bool) -> Result<()> {
    let tracked = Tracked::read()?;
    let mut breaches = features::breaches()?;
    breaches.extend(files::breaches(&tracked));
    breaches.extend(words::breaches(&tracked, accept)?);
    if breaches.is_empty() {
        return Ok(());
    }
    bail!("house rules are broken:\n  {}", breaches.join("\n  "))
}

/// The text files that git tracks, by their paths below the root.
struct Tracked(Vec<(PathBuf, String)>);

impl Tracked {
    fn read() -> Result<Self> {
        let output = Command::new("git").args(["ls-files", "-z"]).current_dir(command::root()).output()?;
        ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
        let names = String::from_utf8(output.stdout)?;
        let mut files = Vec::new();
        for path in names.split_terminator('\0').map(PathBuf::from) {
            let place = command::root().join(&path);
            // A file may be deleted and not committed yet. Links lead to files that are tracked themselves.
            if !place.is_file() || place.is_symlink() {
                continue;
            }
            let bytes = fs::read(&place).with_context(|| path.display().to_string())?;
            if let Ok(text) = String::from_utf8(bytes) {
                files.push((path, text));
            }
        }
        Ok(Self(files))
    }

    /// The files whose names have one of these extensions.
    fn with_extension<'a>(&'a self, extensions: &'a [&str]) -> impl Iterator<Item = &'a (PathBuf, String)> {
        let has = |path: &PathBuf| {
            let extension = path.extension().and_then(|extension| extension.to_str());
            extension.is_some_and(|extension| extensions.contains(&extension))
        };
        self.0.iter().filter(move |(path, _)| has(path))
    }
}
