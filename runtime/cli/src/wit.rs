//! `camshaft wit`: writes the contract that this program supports, for authors in any language.

use std::{
    fs,
    path::{Path, PathBuf},
};

use camshaft_guest_build::CONTRACT;
use camshaft_wire::ErrorCode;
use clap::Args;
use serde_json::json;

use super::{failure::Failure, output};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Output folder, created if missing [default: the current directory]
    #[arg(value_name = "DIR", default_value = ".", hide_default_value = true)]
    folder: PathBuf,

    /// Overwrite files of the same names that have different content
    #[arg(long)]
    force: bool,
}

pub fn wit(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let written = write(&arguments.folder, arguments.force)?;
    if json {
        return output::json(&json!({ "files": written }));
    }
    let names: Vec<String> = written.iter().map(|path| format!("{}\n", path.display())).collect();
    output::print(&names.concat())
}

fn write(folder: &Path, force: bool) -> Result<Vec<PathBuf>, Failure> {
    let files = CONTRACT.map(|(name, content)| (folder.join(name), content));
    // Check before writing anything, so that either all files are written or none.
    let other =
        |(path, content): &&(PathBuf, &str)| fs::read(path).is_ok_and(|found| found != content.as_bytes());
    if !force && let Some((path, _)) = files.iter().find(other) {
        let message = format!("\"{}\" exists with different content", path.display());
        return Err(Failure::new(ErrorCode::OutputUnwritable, message)
            .hint("Name another folder, or pass --force to overwrite it."));
    }
    fs::create_dir_all(folder).map_err(|error| Failure::write(folder.display(), &error))?;
    for (path, content) in &files {
        fs::write(path, content).map_err(|error| Failure::write(path.display(), &error))?;
    }
    Ok(files.map(|(path, _)| path).into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_of_the_contract_is_written() {
        let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/v0.1");
        let names: BTreeSet<_> =
            fs::read_dir(contract).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, CONTRACT.map(|(name, _)| name.into()).into());
    }

    #[test]
    fn a_file_of_somebody_else_is_not_replaced_unless_asked() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(write(&folder.path().join("a/b"), false).unwrap().len(), CONTRACT.len());
        fs::write(folder.path().join("world.wit"), "world mine {}").unwrap();
        let failure = write(folder.path(), false).unwrap_err();
        assert!(failure.line().contains("world.wit\" exists with different content"), "{}", failure.line());
        assert!(!folder.path().join("types.wit").exists(), "nothing was written");
        assert_eq!(write(folder.path(), true).unwrap().len(), CONTRACT.len());
        assert_eq!(
            write(folder.path(), false).unwrap().len(),
            CONTRACT.len(),
            "the same content is no conflict"
        );
    }
}
