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

/// The files of `wit/v0.2`, which uses interfaces of `wit/v0.1`. Only the Rust SDK needs them yet.
pub const CONTRACT_0_2: [(&str, &str); 3] = [
    ("deciding.wit", include_str!("../../../wit/v0.2/deciding.wit")),
    ("scopes.wit", include_str!("../../../wit/v0.2/scopes.wit")),
    ("world.wit", include_str!("../../../wit/v0.2/world.wit")),
];

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::{CONTRACT, CONTRACT_0_2};

    #[test]
    fn every_file_of_the_contract_is_carried() {
        for (version, files) in [("v0.1", &CONTRACT[..]), ("v0.2", &CONTRACT_0_2)] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit").join(version);
            let names: BTreeSet<_> =
                fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(names, files.iter().map(|(name, _)| name.into()).collect(), "{version}");
        }
    }
}
