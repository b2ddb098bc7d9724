//! `camshaft build`: compiles a plugin's package into one `.wasm` file that the runtime accepts.

mod refused;

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process,
};

use camshaft::Refusal;
use camshaft_guest_build::{Component, Guests, Language, Script, Toolchain};
use camshaft_wire::ErrorCode;
use clap::Args;
use serde_json::json;

use super::{
    failure::Failure,
    inspect::{examine, shown},
    output,
};

#[derive(Debug, Args)]
#[command(after_help = "\
A folder with a Cargo.toml is compiled with an installed Rust toolchain that supports
wasm32-unknown-unknown. A folder with a package.json is built as JavaScript, one with a
pyproject.toml as Python; npm or pip installs missing build tools into the target folder.
The output file is replaced atomically, so it can be written directly into the plugins
directory of a running runtime.")]
pub struct Arguments {
    /// Folder with the plugin's Cargo.toml, package.json or pyproject.toml
    #[arg(value_name = "DIR", default_value = ".", hide_default_value = true)]
    folder: PathBuf,

    /// Output file, or a folder for it [default: ./NAME.wasm]
    #[arg(short, long = "output", value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    form: Form,
}

/// Build options.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Form {
    /// Keep debug information, for source lines in backtraces; makes the file much larger. Rust only
    #[arg(long)]
    debug_info: bool,
}

pub fn build(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let component = Project::in_folder(&arguments.folder, arguments.form).component()?;
    let code = code_folder(&component);
    let Component { name, path } = component;
    let file = target(arguments.output.as_deref(), &name);
    let (report, lacking) = examine(&path, &file, &code)
        .map_err(|failure| refused::component(failure, Language::of(&arguments.folder), &arguments.folder))?;
    // The operator's file is next to the file that the runtime runs, not next to the one in the target
    // folder.
    let operator = |file: &Path| file.with_extension("toml").display().to_string();
    let lacking = lacking
        .map(|refusal| Refusal { hint: refusal.hint.replace(&operator(&path), &operator(&file)), ..refusal });
    install(&path, &file).map_err(|error| Failure::write(file.display(), &error))?;
    if json {
        return output::json(&json!({ "file": file, "report": report, "lacking": lacking }));
    }
    output::line(&file.display().to_string())?;
    output::print(&shown(&report))?;
    if let Some(refusal) = lacking {
        output::note(&format!("it needs an operator's file: {refusal}"));
        output::hint(&refusal.hint);
    }
    Ok(())
}

/// A plugin's folder. `camshaft dev` builds it repeatedly.
#[derive(Debug)]
pub struct Project {
    folder: PathBuf,
    form: Form,
    script: Script,
}

impl Project {
    pub fn in_folder(folder: &Path, form: Form) -> Self {
        Self { folder: folder.to_owned(), form, script: Script::in_folder(folder) }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Builds the component in the target folder, without validating it.
    pub fn component(&self) -> Result<Component, Failure> {
        match Language::of(&self.folder) {
            Some(Language::Rust) => {
                let toolchain = Toolchain::find().map_err(refused::no_toolchain)?;
                let guests = Guests::in_folder(&self.folder);
                let guests = if self.form.debug_info { guests.with_debug_info() } else { guests };
                let built = toolchain.build(&guests).map_err(|error| refused::rust(&error))?;
                only(built, &self.folder)
            }
            Some(language) => self.script.build(language).map_err(|error| refused::script(&error)),
            None => Err(refused::no_project(&self.folder)),
        }
    }
}

/// The folder for a component's compiled code, used by `build` and `test`. It is inside the target folder,
/// which is trusted like everything else that cargo runs from there.
pub fn code_folder(component: &Component) -> PathBuf {
    component.path.with_file_name("code").join(&component.name)
}

/// The path of the output file.
fn target(output: Option<&Path>, name: &str) -> PathBuf {
    let default = format!("{name}.wasm");
    match output {
        None => default.into(),
        Some(folder) if folder.is_dir() => folder.join(default),
        Some(file) => file.to_owned(),
    }
}

/// Copies the file next to the target, then renames it, so readers of the folder never see a partial file.
fn install(from: &Path, to: &Path) -> io::Result<()> {
    let mut draft = OsString::from(".");
    draft.push(to.file_name().unwrap_or_default());
    draft.push(format!(".{}.partial", process::id()));
    let draft = to.with_file_name(draft);
    fs::copy(from, &draft).and_then(|_| fs::rename(&draft, to)).inspect_err(|_| {
        // The draft is useless now. If it cannot be removed, the first error already explains why.
        let _: io::Result<()> = fs::remove_file(&draft);
    })
}

fn only(built: Vec<Component>, folder: &Path) -> Result<Component, Failure> {
    let names: Vec<String> = built.iter().map(|component| component.name.clone()).collect();
    match <[Component; 1]>::try_from(built) {
        Ok([component]) => Ok(component),
        Err(_) => {
            let message = format!("\"{}\" contains several plugins: {}", folder.display(), names.join(", "));
            Err(Failure::new(ErrorCode::WrongUsage, message).hint("Name the folder of one of them."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_goes_where_it_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(target(None, "stock"), Path::new("stock.wasm"));
        assert_eq!(target(Some(folder.path()), "stock"), folder.path().join("stock.wasm"));
        assert_eq!(target(Some(Path::new("a/b.wasm")), "stock"), Path::new("a/b.wasm"));
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to.wasm"));
        fs::write(&from, "new").unwrap();
        fs::write(&to, "old").unwrap();
        install(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "new");
        assert!(install(&from, folder.path()).is_err(), "a folder is not replaced by a file");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn one_plugin_is_built_at_a_time() {
        let component = |name: &str| Component { name: name.into(), path: name.into() };
        assert_eq!(only(vec![component("a")], Path::new("d")).unwrap(), component("a"));
        let failure = only(vec![component("a"), component("b")], Path::new("d")).unwrap_err();
        assert_eq!(failure.line(), "\"d\" contains several plugins: a, b [wrong-usage]");
    }
}
