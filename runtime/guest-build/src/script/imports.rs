//! Which packages a JavaScript plugin's own modules import, by what esbuild says of a bundle (its metafile).
//!
//! A package is found in the folders above the plugin, too. What is there on one machine is missing on the next, so an import
//! has to be among the dependencies that the plugin names.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;

use super::{ScriptError, read_json};

/// Where packages lie; what stands behind it is a package's name.
const PACKAGES: &str = "node_modules/";

/// What matters here of a metafile.
#[derive(Deserialize)]
pub struct Imports {
    /// By the module's path.
    inputs: BTreeMap<String, Module>,
}

#[derive(Deserialize)]
struct Module {
    imports: Vec<Import>,
}

#[derive(Deserialize)]
struct Import {
    /// The path of what was found.
    path: String,
}

impl Imports {
    /// Those in the metafile at `path`.
    pub fn read(path: &Path) -> Result<Self, ScriptError> {
        read_json(path)
    }

    /// The first package that one of the plugin's own modules imports and `is_named` does not know, behind the module.
    pub fn unnamed(&self, is_named: impl Fn(&str) -> bool) -> Option<(&str, &str)> {
        let own = self.inputs.iter().filter(|(module, _)| !module.contains(PACKAGES));
        let mut packages = own.flat_map(|(module, Module { imports })| {
            imports.iter().filter_map(move |import| Some((module.as_str(), package(&import.path)?)))
        });
        packages.find(|(_, package)| !is_named(package))
    }
}

/// The package that a module belongs to; none if it is the plugin's own.
fn package(path: &str) -> Option<&str> {
    let (_, inside) = path.rsplit_once(PACKAGES)?;
    // A name with a scope has two parts.
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
