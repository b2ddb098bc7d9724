//! Python: componentize-py puts the plugin's modules into a component together with an interpreter.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{AuthorsManifest, Inputs, Program, ScriptError, Work, file_error, read, tools::Tools, write};
use crate::{Language, contract::CONTRACT};

const PYTHON: Program =
    Program { name: "python3", language: Language::Python, needs: "Python 3.11 or newer with pip" };

/// Arguments that install `requirements.txt` into `packages`.
const PIP_INSTALL: [&str; 10] = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--root-user-action=ignore",
    "--target",
    "packages",
    "--requirement",
    "requirements.txt",
];

const TOOLS: Tools<'_> = Tools {
    name: "python",
    pins: &[("requirements.txt", include_str!("../../tools/python/requirements.txt"))],
    program: PYTHON,
    arguments: &PIP_INSTALL,
    what: "componentize-py (once, about 50 MB)",
};

/// Module that is generated for each build: it loads the author's code and exports the contract's functions.
const ENTRY: &str = "camshaft_entry";

/// WIT files for a plugin that asks for `http`, in addition to the contract: its world, and the parts of WASI
/// that it uses.
const SINK: [(&str, &str); 3] = [
    ("sink.wit", include_str!("../../tools/python/wit/sink.wit")),
    ("deps/io/io.wit", include_str!("../../tools/python/wit/io.wit")),
    ("deps/http/http.wit", include_str!("../../tools/python/wit/http.wit")),
];

/// A world, and the folder that contains it.
struct World {
    folder: PathBuf,
    name: &'static str,
}

/// The used part of `pyproject.toml`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    project: Project,
    tool: Tool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Project {
    /// Packages that the plugin imports, as pip requirements.
    dependencies: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tool {
    camshaft: Settings,
}

/// The section `[tool.camshaft]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// The module with the handlers.
    module: String,
    /// Folders with packages that the plugin imports, relative to the project's folder.
    path: Vec<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { module: "plugin".to_owned(), path: vec!["vendor/python".into()] }
    }
}

/// Finds the modules of the plugin in `work`. The returned function writes its component to a file.
pub fn plugin<'w>(
    work: &'w Work,
    manifest: &AuthorsManifest,
    inputs: &mut Inputs,
) -> Result<impl FnOnce(&Path) -> Result<(), ScriptError> + 'w, ScriptError> {
    let document = document(&work.source("pyproject.toml", "it names the plugin's module")?)?;
    let settings = document.tool.camshaft;
    let module_file = settings.module.replace('.', "/") + ".py";
    work.source(
        &module_file,
        "`module` in [tool.camshaft] of pyproject.toml names the module of the handlers",
    )?;
    let packages = TOOLS.folder(&work.tools)?.join("packages");
    let dependencies = dependencies(work, &document.project.dependencies, inputs)?;
    let entry = work.scratch.join("entry");
    fs::create_dir_all(&entry).map_err(file_error(&entry))?;
    let entry_text = entry_module(&settings.module, manifest);
    write(&entry.join(format!("{ENTRY}.py")), &entry_text)?;

    let own = settings.path.iter().map(|folder| work.folder.join(folder));
    let path: Vec<PathBuf> = [work.folder.clone()].into_iter().chain(own).chain(dependencies).collect();
    let world =
        if manifest.sends { sink(work, inputs)? } else { World { folder: work.wit(), name: "handler" } };
    inputs.add(entry_text);
    TOOLS.pins.iter().for_each(|(_, content)| inputs.add(content));
    path.iter().try_for_each(|folder| inputs.add_folder(folder).map_err(file_error(folder)))?;
    Ok(move |file: &Path| componentize(work, &world, &packages, &entry, &path, file))
}

/// Writes the WIT files of a plugin that sends requests.
fn sink(work: &Work, inputs: &mut Inputs) -> Result<World, ScriptError> {
    let folder = work.scratch.join("sink");
    let contract = CONTRACT.map(|(name, content)| (format!("deps/camshaft/{name}"), content));
    for (name, content) in SINK.map(|(name, content)| (name.to_owned(), content)).into_iter().chain(contract)
    {
        let file = folder.join(name);
        let parent = file.parent().unwrap_or(&folder);
        fs::create_dir_all(parent).map_err(file_error(parent))?;
        write(&file, content)?;
        inputs.add(content);
    }
    Ok(World { folder, name: "sink" })
}

fn componentize(
    work: &Work,
    world: &World,
    packages: &Path,
    entry: &Path,
    path: &[PathBuf],
    file: &Path,
) -> Result<(), ScriptError> {
    // The tool adds the packages of the machine or of its virtual environment. So it gets an empty
    // environment: a component built with the machine's packages could not be built on other machines.
    let environment = work.scratch.join("environment");
    let nothing = environment.join("lib/python3/site-packages");
    fs::create_dir_all(&nothing).map_err(file_error(&nothing))?;
    let mut componentize = PYTHON.command();
    componentize.env("PYTHONPATH", packages).env("PYTHONDONTWRITEBYTECODE", "1");
    componentize.env("VIRTUAL_ENV", &environment);
    componentize.args(["-c", "import componentize_py, sys; sys.exit(componentize_py.script())"]);
    componentize.arg("--quiet").arg("--wit-path").arg(&world.folder).args(["--world", world.name]);
    componentize.args(["componentize", ENTRY]).arg("--output").arg(file);
    for folder in [entry].into_iter().chain(path.iter().map(PathBuf::as_path)) {
        componentize.arg("--python-path").arg(folder);
    }
    work.run(&mut componentize, PYTHON, essence)
}

/// The folder with the packages of `[project] dependencies`, if there are any. Each list is installed once.
fn dependencies(work: &Work, wanted: &[String], inputs: &mut Inputs) -> Result<Option<PathBuf>, ScriptError> {
    if wanted.is_empty() {
        return Ok(None);
    }
    let list = wanted.join("\n") + "\n";
    inputs.add(&list);
    let tools = Tools {
        name: &format!("python-packages-{:016x}", xxhash_rust::xxh3::xxh3_64(list.as_bytes())),
        pins: &[("requirements.txt", &list)],
        program: PYTHON,
        arguments: &PIP_INSTALL,
        what: "the plugin's packages",
    };
    Ok(Some(tools.folder(&work.tools)?.join("packages")))
}

fn document(path: &Path) -> Result<Document, ScriptError> {
    toml::from_str(&read(path)?)
        .map_err(|error| ScriptError::Invalid { path: path.to_path_buf(), reason: error.to_string() })
}

/// The entry module. A plugin without the SDK implements the contract itself, and exports `WitWorld`.
fn entry_module(module: &str, manifest: &AuthorsManifest) -> String {
    format!(
        "import importlib\n\
         author = importlib.import_module({module:?})\n\
         if hasattr(author, \"WitWorld\"):\n    \
             WitWorld = author.WitWorld\n\
         else:\n    \
             from camshaft.component import WitWorld\n    \
             from camshaft.handlers import check_subscriptions\n    \
             check_subscriptions({})\n",
        manifest.types_as_json()
    )
}

/// Extracts the error from componentize-py's output when the plugin's modules cannot be imported.
fn essence(said: &str) -> String {
    let said = said.split_once("AssertionError: ").map_or(said, |(_, error)| error);
    said.split("\n\nCaused by:").next().unwrap_or(said).trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authors_error_is_found_in_the_tools() {
        let said = "Traceback (most recent call last):\n  File \"<string>\", line 1\nAssertionError:   File \
                    \"/0/plugin.py\", line 1\n    def f(:\n          ^\nSyntaxError: invalid syntax\n\n\nCaused by:\n    \
                    SyntaxError: invalid syntax (plugin.py, line 1)\n";
        assert_eq!(
            essence(said),
            "  File \"/0/plugin.py\", line 1\n    def f(:\n          ^\nSyntaxError: invalid syntax"
        );
        assert_eq!(essence("no such tool\n"), "no such tool");
    }

    #[test]
    fn settings_have_defaults_and_unknown_ones_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pyproject.toml");
        let read = |text: &str| {
            fs::write(&path, text).unwrap();
            document(&path).map(|document| (document.tool.camshaft, document.project.dependencies))
        };
        let (plain, needed) = read("[project]\nname = \"x\"\ndependencies = [\"six>=1\"]").unwrap();
        assert_eq!((plain.module.as_str(), needed), ("plugin", vec!["six>=1".to_owned()]));
        let (own, needed) = read("[tool.camshaft]\nmodule = \"shop.stock\"").unwrap();
        assert!(needed.is_empty());
        assert_eq!((own.module.as_str(), own.path), ("shop.stock", vec!["vendor/python".into()]));
        let error = read("[tool.camshaft]\nmodul = \"x\"").err().expect("refused").to_string();
        assert!(error.contains("unknown field `modul`"), "{error}");
    }
}
