//! `camshaft new`: creates a plugin with unit tests, fixtures if it handles events, and its dependencies.

mod carried;
mod project;

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    process,
};

use camshaft_guest_build::Language;
use camshaft_wire::ErrorCode;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{failure::Failure, output};

/// Maximum length of a plugin name.
const MAX_NAME_LENGTH: usize = 63;

#[derive(Debug, Args)]
#[command(after_help = "\
Creates the folder NAME. Its vendor/ folder contains the SDK and the contract. The plugin
depends on them by path, so it keeps building after camshaft is updated.")]
pub struct Arguments {
    /// Name of the plugin: a to z, 0 to 9 and -, starting with a letter
    #[arg(value_name = "NAME")]
    name: String,

    /// Programming language of the plugin
    #[arg(long, value_enum, value_name = "LANGUAGE", default_value = "rust")]
    lang: Lang,

    /// Part of the plugin in the runtime
    #[arg(long, value_enum, value_name = "WORLD", default_value = "handler")]
    world: World,
}

/// A world of the contract, as written on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum World {
    /// Handles events
    Handler,
    /// Decides commands and keeps facts; in Rust only
    Aggregate,
}

/// The plugins that can be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Template {
    /// A handler in this language.
    Handler(Lang),
    /// An aggregate in Rust.
    Aggregate,
}

impl Template {
    /// Refuses the combinations that do not exist.
    fn of(language: Lang, world: World) -> Result<Self, Failure> {
        match (world, language) {
            (World::Handler, language) => Ok(Self::Handler(language)),
            (World::Aggregate, Lang::Rust) => Ok(Self::Aggregate),
            (World::Aggregate, other) => {
                let message = format!("an aggregate cannot be written in {other} yet");
                Err(Failure::new(ErrorCode::WrongUsage, message)
                    .hint("Write it in Rust with `--lang rust`, or pass `--world handler`."))
            }
        }
    }

    const fn lang(self) -> Lang {
        match self {
            Self::Handler(language) => language,
            Self::Aggregate => Lang::Rust,
        }
    }
}

/// A [`Language`], or a variant of one, as written on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Lang {
    Rust,
    #[value(name = "javascript")]
    JavaScript,
    // JavaScript with type checks; it is built like JavaScript.
    #[value(name = "typescript")]
    TypeScript,
    Python,
}

impl Lang {
    /// The language that it is built as.
    const fn language(self) -> Language {
        match self {
            Self::Rust => Language::Rust,
            Self::JavaScript | Self::TypeScript => Language::JavaScript,
            Self::Python => Language::Python,
        }
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TypeScript => f.write_str("TypeScript"),
            other => other.language().fmt(f),
        }
    }
}

pub fn new(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let template = Template::of(arguments.lang, arguments.world)?;
    check_name(&arguments.name)?;
    let folder = Path::new(&arguments.name);
    let files = project::files(&arguments.name, template);
    write(folder, &files)?;
    if json {
        let files: Vec<PathBuf> = files.iter().map(|(path, _)| folder.join(path)).collect();
        return output::json(&json!({ "folder": folder, "files": files }));
    }
    output::line(&arguments.name)?;
    output::note(&format!("created plugin \"{}\" in {}; next steps:", arguments.name, template.lang()));
    for step in project::next_steps(&arguments.name, template) {
        anstream::eprintln!("  {step}");
    }
    Ok(())
}

/// Checks the name early, with the same rules as the manifest: it becomes the name of a consumer, a file and
/// a folder.
fn check_name(name: &str) -> Result<(), Failure> {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let problem = if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        "it does not begin with a letter from a to z"
    } else if !name.chars().all(is_allowed) {
        "it contains characters other than a to z, 0 to 9 and -"
    } else if name.len() > MAX_NAME_LENGTH {
        "it is longer than 63 characters"
    } else {
        return Ok(());
    };
    let suggestion: String =
        name.to_ascii_lowercase().chars().map(|c| if is_allowed(c) { c } else { '-' }).collect();
    let suggestion = suggestion.trim_start_matches(|c: char| !c.is_ascii_lowercase()).trim_end_matches('-');
    let failure =
        Failure::new(ErrorCode::WrongUsage, format!("\"{name}\" cannot be a plugin's name: {problem}"));
    Err(match suggestion.get(..MAX_NAME_LENGTH).unwrap_or(suggestion) {
        "" => failure.hint("Choose a name such as `stock` or `delay-alert`."),
        suggestion => failure.hint(format!("Try `camshaft new {suggestion}`.")),
    })
}

/// Writes the files into `folder`: all or none.
fn write(folder: &Path, files: &[(String, String)]) -> Result<(), Failure> {
    let is_free = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if !is_free {
        let message = format!("\"{}\" exists and is not an empty folder", folder.display());
        return Err(Failure::new(ErrorCode::OutputUnwritable, message)
            .hint("Choose another name, or run the command in another folder."));
    }
    let draft = PathBuf::from(format!(".{}.{}.partial", folder.display(), process::id()));
    let written = write_draft(&draft, files)
        .and_then(|()| fs::rename(&draft, folder).map_err(|error| Failure::write(folder.display(), &error)));
    if written.is_err() && draft.exists() {
        // The draft is useless now. If it cannot be removed, the first error already explains why.
        let _: io::Result<()> = fs::remove_dir_all(&draft);
    }
    written
}

fn write_draft(draft: &Path, files: &[(String, String)]) -> Result<(), Failure> {
    for (path, content) in files {
        let path = draft.join(path);
        let parent = path.parent().unwrap_or(draft);
        fs::create_dir_all(parent).map_err(|error| Failure::write(parent.display(), &error))?;
        fs::write(&path, content).map_err(|error| Failure::write(path.display(), &error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_a_manifest_may_have() {
        for name in ["a", "delay-alert", "a1", &"a".repeat(63)] {
            check_name(name).unwrap();
        }
        for (name, problem, hint) in [
            ("Stock", "does not begin with a letter from a to z", "Try `camshaft new stock`."),
            ("1st", "does not begin with a letter from a to z", "Try `camshaft new st`."),
            ("delay_alert", "contains characters other than", "Try `camshaft new delay-alert`."),
            ("../x", "does not begin with a letter", "Try `camshaft new x`."),
            ("", "does not begin with a letter", "Choose a name such as `stock` or `delay-alert`."),
            ("ü", "does not begin with a letter", "Choose a name such as `stock` or `delay-alert`."),
        ] {
            let failure = check_name(name).unwrap_err();
            assert!(failure.line().contains(problem), "{}", failure.line());
            assert_eq!(failure.hint_text(), hint);
        }
        let long = check_name(&"a".repeat(64)).unwrap_err();
        assert!(long.line().contains("longer than 63 characters"), "{}", long.line());
    }
}
