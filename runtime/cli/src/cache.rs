//! The folder of this user's caches: what all commands keep there of the large plugins that they compiled, so that the
//! interpreter of a JavaScript or Python plugin is compiled once for this user and not once for each command.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy;
use rustix::fs::Access;

/// The folder's name in that of the user's caches.
const NAME: &str = "camshaft";

/// Who may write to the folder, besides its owner.
const OTHERS: u32 = 0o022;

/// The folder, made if it is missing; none where there is no home, or where it is not this user's alone. Then a command keeps
/// nothing, and a runtime keeps it in its data directory.
pub fn folder() -> Option<PathBuf> {
    let folder = etcetera::choose_base_strategy().ok()?.cache_dir().join(NAME);
    match usable(&folder) {
        Ok(()) => Some(folder),
        Err(error) => {
            tracing::debug!(%error, folder = %folder.display(), "no compiled functions are kept there");
            None
        }
    }
}

/// Makes the folder, and looks whether it can be trusted and written to.
fn usable(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let metadata = fs::metadata(folder)?;
    if metadata.uid() != rustix::process::geteuid().as_raw() || metadata.mode() & OTHERS != 0 {
        return Err(io::Error::other("others may write to it, and what lies in it is run"));
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
