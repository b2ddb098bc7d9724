//! What lies in the plugins directory and is not looked at, though it was probably meant to be: each with
//! why.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::listing::Stamp;

/// Folders that are looked into, and entries of each: a folder of another kind may be large.
const MAX_FOLDERS: usize = 32;
const MAX_ENTRIES: usize = 256;

/// Least likeness, from 0 to 1, of a name that is offered.
const LIKE: f64 = 0.8;

/// A file that has no effect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Overlooked {
    /// Which.
    pub file: PathBuf,
    /// Why, as a sentence without the file's name.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// What of the `stamps` in `folder` has no effect, and the first plugin of each folder in it.
pub fn of(folder: &Path, stamps: &BTreeMap<String, Stamp>, folders: &[PathBuf]) -> Vec<Overlooked> {
    let mut found: Vec<Overlooked> = stamps
        .keys()
        .filter_map(|name| judge(name, stamps).map(|why| (name, why)))
        .map(|(name, why)| {
            let (message, hint) = why;
            Overlooked { file: folder.join(name), message, hint }
        })
        .collect();
    found.extend(folders.iter().take(MAX_FOLDERS).filter_map(|folder| inside(folder)));
    found
}

fn judge(name: &str, stamps: &BTreeMap<String, Stamp>) -> Option<(String, String)> {
    let (stem, extension) = name.rsplit_once('.')?;
    for known in ["wasm", "toml"] {
        if extension != known && extension.eq_ignore_ascii_case(known) {
            let message = format!("the extension .{known} must be in lower case in the plugins directory");
            return Some((message, format!("Rename it to \"{stem}.{known}\".")));
        }
    }
    if extension != "toml" || stamps.contains_key(&format!("{stem}.wasm")) {
        return None;
    }
    let stems = stamps.keys().filter_map(|name| name.strip_suffix(".wasm"));
    let likely = stems.map(|known| (strsim::jaro_winkler(known, stem), known));
    let likely = likely.filter(|(likeness, _)| *likeness >= LIKE).max_by(|a, b| a.0.total_cmp(&b.0));
    let message = format!("there is no \"{stem}.wasm\" beside this operator's file");
    let hint = match likely {
        Some((_, known)) => format!("If it is for \"{known}.wasm\", rename it to \"{known}.toml\"."),
        None => "Rename it after its plugin, or remove it.".to_owned(),
    };
    Some((message, hint))
}

fn inside(folder: &Path) -> Option<Overlooked> {
    let entries = fs::read_dir(folder).ok()?.take(MAX_ENTRIES).flatten();
    let mut plugins: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "wasm"))
        .collect();
    plugins.sort();
    let file = plugins.into_iter().next()?;
    let message = "plugins in subdirectories of the plugins directory are ignored".to_owned();
    Some(Overlooked { file, message, hint: "Move it into the plugins directory itself.".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::super::Listing;
    use super::*;

    #[test]
    fn names_that_nearly_fit_and_files_further_down_are_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        };
        for name in
            ["chaos.wasm", "good.wasm", "good.toml", "chos.toml", "alone.toml", "X.WASM", "sub/x.wasm"]
        {
            write(name);
        }
        for quiet in ["README.md", ".hidden.toml", "sub/notes.txt", "empty/notes.txt"] {
            write(quiet);
        }
        let overlooked = Listing::read(folder.path()).unwrap().overlooked;
        let told: Vec<String> = overlooked
            .iter()
            .map(|one| {
                let file = one.file.strip_prefix(folder.path()).unwrap().display().to_string();
                format!("{file}: {}. {}", one.message, one.hint)
            })
            .collect();
        assert_eq!(
            told,
            [
                "X.WASM: the extension .wasm must be in lower case in the plugins directory. \
                 Rename it to \"X.wasm\".",
                "alone.toml: there is no \"alone.wasm\" beside this operator's file. \
                 Rename it after its plugin, or remove it.",
                "chos.toml: there is no \"chos.wasm\" beside this operator's file. If it is for \"chaos.wasm\", rename it to \
                 \"chaos.toml\".",
                "sub/x.wasm: plugins in subdirectories of the plugins directory are ignored. \
                 Move it into the plugins directory itself.",
            ]
        );
    }
}
