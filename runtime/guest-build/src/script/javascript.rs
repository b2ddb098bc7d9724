//! JavaScript: esbuild bundles the plugin and its packages into one module, and componentize-js puts that
//! module into a component together with an engine.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    AuthorsManifest, Inputs, Program, ScriptError, Work,
    imports::Imports,
    read, read_json,
    resident::Failed,
    source_map::SourceMap,
    tools::{Tools, announce_and_run},
    write,
};
use crate::Language;

const NEEDS: &str = "Node.js 20 or newer with npm";
const NODE: Program = Program { name: "node", language: Language::JavaScript, needs: NEEDS };
const NPM: Program = Program { name: "npm", language: Language::JavaScript, needs: NEEDS };

const TOOLS: Tools<'_> = Tools {
    name: "javascript",
    pins: &[
        ("package-lock.json", include_str!("../../tools/javascript/package-lock.json")),
        ("package.json", include_str!("../../tools/javascript/package.json")),
    ],
    program: NPM,
    // Installation scripts of the packages are not needed, and have not been reviewed.
    arguments: &["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
    what: "componentize-js and esbuild (once, about 200 MB)",
};

/// The used part of a `package.json`.
#[derive(Deserialize)]
struct Package {
    main: Option<String>,
    #[serde(default)]
    dependencies: std::collections::BTreeMap<String, serde_json::Value>,
}

/// The request to `componentize.mjs` for one component.
#[derive(Serialize)]
struct Request<'r> {
    bundle: &'r Path,
    wit: &'r Path,
    component: &'r Path,
    /// Parts of WASI that the plugin cannot use.
    disable: &'r [&'r str],
}

/// Bundles the plugin in `work`. The returned function writes its component to a file.
pub fn plugin<'w>(
    work: &'w Work,
    manifest: &AuthorsManifest,
    inputs: &mut Inputs,
) -> Result<impl FnOnce(&Path) -> Result<(), ScriptError> + 'w, ScriptError> {
    let package: Package =
        read_json(&work.source("package.json", "it names the plugin's module and its packages")?)?;
    let main = package.main.as_deref().unwrap_or("index.js");
    let main = work.source(main, "package.json's `main` is the module that exports `handle`")?;
    let tools = TOOLS.folder(&work.tools)?.join("node_modules");
    install_packages(work, &package)?;

    let bundle = work.scratch.join("bundle.js");
    let mut esbuild = NODE.command();
    esbuild.arg(tools.join("esbuild/bin/esbuild")).arg(&main);
    esbuild.args(["--bundle", "--format=esm", "--platform=neutral", "--main-fields=module,main"]);
    // Select the SDK's host bindings, and leave the contract external: it exists only in a component.
    esbuild.args([
        "--conditions=camshaft",
        "--external:camshaft:*",
        "--target=es2022",
        "--log-level=warning",
    ]);
    // With these settings, the constructor that the SDK installs creates every promise of the plugin. So the
    // SDK sees promises that are rejected without a handler, which the engine does not report.
    esbuild.args([
        "--supported:async-await=false",
        "--supported:async-generator=false",
        "--supported:for-await=false",
        "--supported:top-level-await=true",
    ]);
    esbuild.args(["--sourcemap=external", "--sources-content=false"]);
    esbuild.arg(format!("--define:CAMSHAFT_SUBSCRIPTIONS={}", manifest.types_as_json()));
    esbuild.arg(format!("--define:CAMSHAFT_SENDS={}", manifest.sends));
    esbuild.arg(format!("--outfile={}", bundle.display()));
    let metafile = work.scratch.join("metafile.json");
    esbuild.arg(format!("--metafile={}", metafile.display()));
    work.run(&mut esbuild, NODE, mistakes)?;
    if let Some((module, name)) =
        Imports::read(&metafile)?.unnamed(|name| package.dependencies.contains_key(name))
    {
        return Err(work.refused(format!(
            "{module} imports \"{name}\", which is not among the `dependencies` of package.json: other machines may not have it"
        )));
    }
    let map = SourceMap::beside(&bundle, &work.folder)?;
    // Append it after all code, so that no position in the bundle changes.
    write(&bundle, &format!("{}\nglobalThis.CAMSHAFT_SOURCE_MAP = {};\n", read(&bundle)?, map.as_json()))?;
    TOOLS.pins.iter().for_each(|(_, content)| inputs.add(content));
    inputs.add(read(&bundle)?);
    let sends = manifest.sends;
    Ok(move |file: &Path| componentize(work, &tools, &bundle, &map, sends, file))
}

fn componentize(
    work: &Work,
    tools: &Path,
    bundle: &Path,
    map: &SourceMap,
    sends: bool,
    file: &Path,
) -> Result<(), ScriptError> {
    let script = work.scratch.join("componentize.mjs");
    write(&script, include_str!("../../tools/javascript/componentize.mjs"))?;
    let mut tool = NODE.command();
    // Its cache is next to the packages, and is deleted with them when newer ones are installed.
    tool.arg(script).arg(tools).arg(tools.with_file_name("spliced")).current_dir(&work.folder);
    let request = Request {
        bundle,
        wit: &work.wit(),
        component: file,
        // No plugin is called over HTTP, and only a plugin with that capability sends requests. The host
        // provides the rest of WASI, but empty.
        disable: if sends { &["fetch-event"] } else { &["fetch-event", "http"] },
    };
    // No line that the tool prints starts with this text.
    let end = format!("the end of {}:", file.display());
    work.resident.run(&mut tool, &request, &end).map_err(|failed| match failed {
        Failed::Io(error) => NODE.missing(error),
        Failed::Said(said) => work.refused(map.in_authors_files(&essence(&said))),
    })
}

/// Installs the plugin's own packages, if any is missing.
fn install_packages(work: &Work, package: &Package) -> Result<(), ScriptError> {
    let installed = work.folder.join("node_modules");
    if package.dependencies.keys().all(|name| installed.join(name).exists()) {
        return Ok(());
    }
    let mut npm = NPM.command();
    npm.args(["install", "--no-audit", "--no-fund"]).current_dir(&work.folder);
    announce_and_run(NPM, &mut npm, &work.folder, "the plugin's packages")
}

/// The mistakes that esbuild found, without the stack trace of Node, which runs it.
fn mistakes(said: &str) -> String {
    said.split("\nnode:").next().unwrap_or(said).trim().to_owned()
}

/// Extracts the error from Node's output when componentize-js throws one.
fn essence(said: &str) -> String {
    let is_noise = |line: &str| {
        let line = line.trim_start();
        line.contains("componentize-js/src/")
            || line.starts_with("Node.js v")
            || line.is_empty()
            || line.starts_with("throw ")
            || line == "^"
    };
    let lines: Vec<&str> = said.lines().filter(|line| !is_noise(line)).collect();
    lines.join("\n").trim_start_matches("Error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::{essence, mistakes};

    #[test]
    fn what_esbuild_found_is_told_without_the_stack_of_node() {
        let said = "✘ [ERROR] Unexpected \"=\"\n\n    plugin.js:8:8:\n\nnode:internal/errors:984\n    throw error;\n";
        assert_eq!(mistakes(said), "✘ [ERROR] Unexpected \"=\"\n\n    plugin.js:8:8:");
    }

    #[test]
    fn the_authors_error_is_found_in_the_tools() {
        let said = "file:///t/node_modules/@bytecodealliance/componentize-js/src/componentize.js:365\n    throw new \
                    Error(err);\n          ^\n\nError: Failed to initialize component (wizer):\nException while \
                    evaluating top-level script\nbundle.js:239:17 Rejection: plugin.toml subscribes\nStack:\n  \
                    handler@bundle.js:593:21\n    at componentize (file:///t/componentize-js/src/componentize.js:1:1)\n\
                    \nNode.js v20.20.2\n";
        assert_eq!(
            essence(said),
            "Failed to initialize component (wizer):\nException while evaluating top-level script\nbundle.js:239:17 \
             Rejection: plugin.toml subscribes\nStack:\n  handler@bundle.js:593:21"
        );
    }
}
