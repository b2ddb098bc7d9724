//! The cache folder of this user. All commands store compiled functions of large plugins there, so the
//! interpreter of a JavaScript or Python plugin is compiled once per user and not once per command.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy;
use rustix::fs::Access;

/// The folder's name inside the user's cache directory.
const NAME: &str = "camshaft";

/// Permission bits that let users other than the owner write to the folder.
const OTHERS: u32 = 0o022;

/// The folder, created if it is missing. Returns none if there is no home directory, if another user owns the
/// folder, or if others can write to it. Then a command caches nothing, and a runtime uses its data
/// directory.
pub fn folder() -> Option<PathBuf> {
    let folder = etcetera::choose_base_strategy().ok()?.cache_dir().join(NAME);
    match usable(&folder) {
        Ok(()) => Some(folder),
        Err(error) => {
            tracing::debug!(%error, folder = %folder.display(), "compiled functions are not cached");
            None
        }
    }
}

/// Creates the folder, and checks that it is trusted and writable.
fn usable(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let metadata = fs::metadata(folder)?;
    if metadata.uid() != rustix::process::geteuid().as_raw() || metadata.mode() & OTHERS != 0 {
        return Err(io::Error::other("others may write to it, and its content is executed"));
    }
    Ok(rustix::fs::access(folder, Access::WRITE_OK)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_a_folder_that_no_other_user_writes_to_is_trusted() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("caches/camshaft");
        usable(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        usable(&folder).unwrap();
        for mode in [0o770, 0o702] {
            fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
            let error = usable(&folder).unwrap_err().to_string();
            assert!(error.contains("others may write to it"), "{error}");
        }
        fs::write(home.path().join("file"), "").unwrap();
        assert!(usable(&home.path().join("file")).is_err());
    }
}
