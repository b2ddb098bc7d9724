//! The reader's `cargo install`: the command itself, or the program that other checks have built.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// How large the installed program may be. It has 39 MB; with debug information it had 236 MB.
const MAX_BYTES: u64 = 45_000_000;

/// Where the program comes from.
pub(crate) enum Install {
    /// From the command as it stands in the document, which builds for release.
    AsWritten,
    /// From this path.
    Built(PathBuf),
}

/// Where `cargo install` puts the program, relative to the current folder; `None` if the line is another
/// command.
pub(super) fn place(line: &str) -> Option<PathBuf> {
    let mut words = line.strip_prefix("cargo install ")?.split_whitespace();
    words.find(|word| *word == "--root")?;
    words.next().map(|root| Path::new(root).join("bin").join("camshaft"))
}

/// Copies the program to where `cargo install` would put it.
pub(super) fn put(program: &Path, place: &Path) -> Result<()> {
    fs::create_dir_all(place.parent().context("a program lies in a folder")?)?;
    fs::copy(program, place).with_context(|| format!("{} cannot be copied", program.display()))?;
    Ok(())
}

/// Fails if the installed program is larger than it may be.
pub(super) fn check_size(program: &Path) -> Result<()> {
    let metadata =
        fs::metadata(program).with_context(|| format!("{} was not installed", program.display()))?;
    let bytes = metadata.len();
    ensure!(bytes <= MAX_BYTES, "the installed program has {bytes} bytes; {MAX_BYTES} are allowed");
    eprintln!("the installed program has {bytes} bytes of at most {MAX_BYTES}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn the_place_of_an_installed_program_follows_from_the_command() {
        let line = "cargo install --quiet --locked --path ../camshaft/runtime/cli --root ./installed";
        assert_eq!(place(line), Some("./installed/bin/camshaft".into()));
        for other in ["cargo install --path .", "cargo test --root x", "camshaft build"] {
            assert_eq!(place(other), None, "{other}");
        }
    }

    #[test]
    fn a_program_is_put_where_it_would_be_installed() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("built");
        fs::write(&program, "program").unwrap();
        let place = folder.path().join("installed/bin/camshaft");
        put(&program, &place).unwrap();
        assert_eq!(fs::read_to_string(place).unwrap(), "program");
    }

    #[test]
    fn a_program_that_is_too_large_or_missing_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("camshaft");
        assert!(check_size(&program).is_err(), "missing");
        let file = File::create(&program).unwrap();
        file.set_len(MAX_BYTES).unwrap();
        check_size(&program).unwrap();
        file.set_len(MAX_BYTES + 1).unwrap();
        let error = check_size(&program).unwrap_err().to_string();
        assert!(error.contains("45000001 bytes"), "{error}");
    }
}
