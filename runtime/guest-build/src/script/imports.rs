//! The packages that a JavaScript plugin's own modules import, read from esbuild's description of a bundle
//! (its metafile).
//!
//! esbuild also finds packages in the folders above the plugin. Other machines may lack such a package, so
//! each import must be among the plugin's declared dependencies.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;

use super::{ScriptError, read_json};

/// The folder of packages; the name of a package follows it in a path.
const PACKAGES: &str = "node_modules/";

/// The used part of a metafile.
#[derive(Deserialize)]
pub struct Imports {
    /// Modules by their paths.
    inputs: BTreeMap<String, Module>,
}

#[derive(Deserialize)]
struct Module {
    imports: Vec<Import>,
}

#[derive(Deserialize)]
struct Import {
    /// The path of the imported module.
    path: String,
}

impl Imports {
    /// Reads the metafile at `path`.
    pub fn read(path: &Path) -> Result<Self, ScriptError> {
        read_json(path)
    }

    /// The first imported package that `is_named` does not accept, with the plugin's module that imports it.
    pub fn unnamed(&self, is_named: impl Fn(&str) -> bool) -> Option<(&str, &str)> {
        let own = self.inputs.iter().filter(|(module, _)| !module.contains(PACKAGES));
        let mut packages = own.flat_map(|(module, Module { imports })| {
            imports.iter().filter_map(move |import| Some((module.as_str(), package(&import.path)?)))
        });
        packages.find(|(_, package)| !is_named(package))
    }
}

/// The package of a module; none for the plugin's own modules.
fn package(path: &str) -> Option<&str> {
    let (_, inside) = path.rsplit_once(PACKAGES)?;
    // A scoped name has two parts.
    let parts = if inside.starts_with('@') { 2 } else { 1 };
    let end = inside.match_indices('/').nth(parts - 1).map_or(inside.len(), |(end, _)| end);
    inside.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unnamed(text: &str) -> Option<(String, String)> {
        let imports: Imports = serde_json::from_str(text).unwrap();
        let found = imports.unnamed(|package| ["named", "@scope/named"].contains(&package));
        found.map(|(module, package)| (module.to_owned(), package.to_owned()))
    }

    #[test]
    fn only_what_own_modules_import_has_to_be_named() {
        let found = |package: &str| {
            unnamed(&format!(
                r#"{{"inputs":{{
                    "node_modules/named/index.js":{{"bytes":1,"imports":[{{"path":"node_modules/deep/index.js"}}]}},
                    "plugin.js":{{"bytes":1,"imports":[
                        {{"path":"vendor/javascript/camshaft.js","kind":"import-statement"}},
                        {{"path":"camshaft:plugin/state@0.1.0","kind":"import-statement","external":true}},
                        {{"path":"../node_modules/@scope/named/a/b.js","kind":"import-statement"}},
                        {{"path":"{package}","kind":"import-statement"}}]}}}}}}"#
            ))
        };
        assert_eq!(found("node_modules/named/index.js"), None);
        assert_eq!(found("lib/own.js"), None);
        let plugin = |package: &str| Some(("plugin.js".to_owned(), package.to_owned()));
        assert_eq!(found("../../node_modules/left/index.js"), plugin("left"));
        assert_eq!(found("node_modules/@scope/other/index.js"), plugin("@scope/other"));
        assert_eq!(found("node_modules/named/node_modules/left"), plugin("left"));
    }
}
