//! House rules that a glance can check: file and line lengths, no `mod.rs`, no forgotten markers, no dependency that is
//! compiled twice.

mod features;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::command;

/// A longer file holds more than one noun; from 500 on a reviewer asks.
const MAX_LINES: usize = 800;

/// Fails with every breach of the rules in the files that git tracks.
pub(crate) fn run() -> Result<()> {
    let mut breaches = features::breaches()?;
    for path in tracked_sources()? {
        let text =
            fs::read_to_string(command::root().join(&path)).with_context(|| path.display().to_string())?;
        breaches
            .extend(check(&path, &text).into_iter().map(|breach| format!("{}: {breach}", path.display())));
    }
    if breaches.is_empty() {
        return Ok(());
    }
    bail!("house rules are broken:\n  {}", breaches.join("\n  "))
}

fn tracked_sources() -> Result<Vec<PathBuf>> {
    let output = Command::new("git").args(["ls-files", "*.rs"]).current_dir(command::root()).output()?;
    ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout)?;
    let paths = names.lines().map(PathBuf::from);
    // A file may be deleted and not committed yet.
    Ok(paths.filter(|path| command::root().join(path).exists()).collect())
}

fn check(path: &Path, text: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    let lines = text.lines().count();
    if lines > MAX_LINES {
        breaches.push(format!("{lines} lines are more than {MAX_LINES}; split it by meaning"));
    }
    if path.file_name().is_some_and(|name| name == "mod.rs") {
        breaches.push("a module is `name.rs` beside `name/`, not `mod.rs`".to_owned());
    }
    // Written apart, so that this file keeps the rule too.
    for marker in [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("#[ig", "nore")] {
        if text.contains(marker) {
            breaches.push(format!("it contains `{marker}`"));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaches_are_named() {
        let long = "\n".repeat(MAX_LINES + 1);
        assert_eq!(check(Path::new("a/mod.rs"), &long).len(), 2);
        assert_eq!(check(Path::new("a.rs"), concat!("// TO", "DO: later")).len(), 1);
        assert_eq!(check(Path::new("a.rs"), "fn main() {}\n"), Vec::<String>::new());
    }
}
