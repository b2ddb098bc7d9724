//! The contract for tools of other languages, embedded in this program.

/// The files of `wit/v0.1`, with names and contents.
pub const CONTRACT: [(&str, &str); 7] = [
    ("config.wit", include_str!("../../../wit/v0.1/config.wit")),
    ("context.wit", include_str!("../../../wit/v0.1/context.wit")),
    ("logging.wit", include_str!("../../../wit/v0.1/logging.wit")),
    ("publisher.wit", include_str!("../../../wit/v0.1/publisher.wit")),
    ("state.wit", include_str!("../../../wit/v0.1/state.wit")),
    ("types.wit", include_str!("../../../wit/v0.1/types.wit")),
    ("world.wit", include_str!("../../../wit/v0.1/world.wit")),
];

/// The files of `wit/v0.2`, with names and contents. They use those of [`CONTRACT`].
pub const CONTRACT_0_2: [(&str, &str); 3] = [
    ("deciding.wit", include_str!("../../../wit/v0.2/deciding.wit")),
    ("scopes.wit", include_str!("../../../wit/v0.2/scopes.wit")),
    ("world.wit", include_str!("../../../wit/v0.2/world.wit")),
];

/// The files of one folder with the whole contract, with paths and contents. The folder is a WIT package of
/// version 0.1. Its subfolder `v0.2` is one of version 0.2, with version 0.1 among its dependencies, so tools
/// accept either folder.
#[must_use]
pub fn contract_files() -> Vec<(String, &'static str)> {
    let below = |folder: &'static str, files: &'static [(&str, &str)]| {
        files.iter().map(move |(name, content)| (format!("{folder}{name}"), *content))
    };
    let first = below("", &CONTRACT);
    first
        .chain(below("v0.2/", &CONTRACT_0_2))
        .chain(below("v0.2/deps/camshaft-plugin-0.1.0/", &CONTRACT))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::{CONTRACT, CONTRACT_0_2};

    #[test]
    fn every_file_of_the_contract_is_carried() {
        let names = |version: &str| -> BTreeSet<_> {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit").join(version);
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
        };
        assert_eq!(names("v0.1"), CONTRACT.map(|(name, _)| name.into()).into());
        assert_eq!(names("v0.2"), CONTRACT_0_2.map(|(name, _)| name.into()).into());
    }
}
