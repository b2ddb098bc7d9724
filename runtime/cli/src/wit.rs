//! `camshaft wit`: writes the contract that this program supports, for authors in any language.

use std::{
    fs,
    path::{Path, PathBuf},
};

use camshaft_guest_build::contract_files;
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
    let files = contract_files().into_iter().map(|(path, content)| (folder.join(path), content));
    let files: Vec<(PathBuf, &str)> = files.collect();
    // Check before writing anything, so that either all files are written or none.
    let other =
        |(path, content): &&(PathBuf, &str)| fs::read(path).is_ok_and(|found| found != content.as_bytes());
    if !force && let Some((path, _)) = files.iter().find(other) {
        let message = format!("\"{}\" exists with different content", path.display());
        return Err(Failure::new(ErrorCode::OutputUnwritable, message)
            .hint("Name another folder, or pass --force to overwrite it."));
    }
    for (path, content) in &files {
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|error| Failure::write(parent.display(), &error))?;
        fs::write(path, content).map_err(|error| Failure::write(path.display(), &error))?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_find_their_files_in_the_folder_and_aggregates_in_a_folder_below() {
        let folder = tempfile::tempdir().unwrap();
        let written = write(folder.path(), false).unwrap();
        let read = |path: &Path| fs::read(path).unwrap();
        let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
        let mut files = 0;
        for (from, to) in [("v0.1", ""), ("v0.2", "v0.2"), ("v0.1", "v0.2/deps/camshaft-plugin-0.1.0")] {
            for file in fs::read_dir(contract.join(from)).unwrap() {
                let file = file.unwrap();
                let copy = folder.path().join(to).join(file.file_name());
                assert!(written.contains(&copy) && read(&copy) == read(&file.path()), "{}", copy.display());
                files += 1;
            }
        }
        assert_eq!(written.len(), files);
    }

    #[test]
    fn a_file_of_somebody_else_is_not_replaced_unless_asked() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(write(&folder.path().join("a/b"), false).unwrap().len(), contract_files().len());
        fs::write(folder.path().join("world.wit"), "world mine {}").unwrap();
        let failure = write(folder.path(), false).unwrap_err();
        assert!(failure.line().contains("world.wit\" exists with different content"), "{}", failure.line());
        assert!(!folder.path().join("types.wit").exists(), "nothing was written");
        assert_eq!(write(folder.path(), true).unwrap().len(), contract_files().len());
        assert_eq!(
            write(folder.path(), false).unwrap().len(),
            contract_files().len(),
            "the same content is no conflict"
        );
    }
}
