//! A copy of the tables for reading: tables on the disk never change, so they are links; the rest is small.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folder of the copy, in the data directory.
const FOLDER: &str = "verify.tmp";

/// A folder that is removed with the value.
pub struct Copy(PathBuf);

impl Copy {
    /// Copies the tables of the data directory; an empty folder if there are none. What an earlier check left
    /// is removed.
    pub fn make(data: &Path) -> io::Result<Self> {
        let folder = data.join(FOLDER);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let copy = Self(folder);
        fs::create_dir_all(&copy.0)?;
        let tables = data.join("tables");
        if tables.is_dir() {
            copy_folder(&tables, &copy.0, false)?;
        }
        Ok(copy)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "could not remove the copy of the tables");
        }
    }
}

fn copy_folder(from: &Path, to: &Path, is_of_tables: bool) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&target)?;
            copy_folder(&source, &target, entry.file_name() == "tables")?;
        } else if is_of_tables {
            // A file system without links takes a copy.
            fs::hard_link(&source, &target).or_else(|_| fs::copy(&source, &target).map(|_| ()))?;
        } else {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}
