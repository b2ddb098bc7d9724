//! Whether a component speaks this host's contract, judged by the names it imports and exports.
//!
//! The loader asks before anything is compiled, so that a file of another kind is answered at once and with
//! one sentence. Types are checked later, when imports are resolved.

use std::{collections::BTreeSet, path::Path};

use crate::{
    Refusal, RefusalCode, World,
    artifact::Survey,
    egress::WaysOut,
    world::{HANDLE, is_compatible},
};

/// Package of the contract.
pub const PACKAGE: &str = "camshaft:plugin";
/// What an author does whose aggregate asks for a way out.
const IN_A_HANDLER: &str = "Send requests from a handler that receives the facts of the aggregate.";
/// Packages of WASI that are linked with nothing in them.
const WASI: [&str; 6] =
    ["wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:io", "wasi:random", "wasi:sockets"];
/// What other kinds of component export, and what to call them.
const OTHER_KINDS: [(&str, &str); 3] = [
    ("wasi:cli/run", "a command-line program"),
    ("wasi:http/incoming-handler", "an HTTP service"),
    ("wasmcloud:messaging/handler", "a wasmCloud message handler"),
];

/// What a component was written against.
#[derive(Clone, Debug)]
pub struct Contract {
    /// The world.
    pub world: World,
    /// The version that has this world.
    pub version: String,
}

/// Whether an import is one of WASI's that the host links with nothing in it.
pub fn is_wasi(import: &str) -> bool {
    import.split_once('/').is_some_and(|(package, _)| WASI.contains(&package))
}

/// The contract that the component was written against.
pub fn judge(survey: &Survey, file: &Path) -> Result<Contract, Refusal> {
    let versions = || survey.imports.iter().chain(&survey.exports).filter_map(|item| contract_version(item));
    let is_known = |version: &&str| World::ALL.iter().any(|world| is_compatible(world.version(), version));
    if let Some(version) = versions().find(|version| !is_known(version)) {
        return Err(unsupported(version, &World::ALL.map(World::version).join(" and "), file));
    }
    let Some(first) = versions().next() else { return Err(other_world(survey, file)) };
    let world = match World::of(&survey.exports) {
        Ok(Some(world)) => world,
        Ok(None) => return Err(other_world(survey, file)),
        Err(exports) => return Err(mixed_worlds(&exports, file)),
    };
    match versions().find(|version| is_compatible(world.version(), version)) {
        Some(version) => Ok(Contract { world, version: version.to_owned() }),
        None => Err(unsupported(first, world.version(), file)),
    }
}

/// What decides about the imports of a component.
pub struct Imports<'a> {
    pub survey: &'a Survey,
    pub world: World,
    pub ways_out: &'a WaysOut,
    /// The capabilities that the manifest requests.
    pub capabilities: &'a BTreeSet<String>,
    /// Only named in refusals.
    pub file: &'a Path,
}

impl Imports<'_> {
    /// Whether everything that the component imports is given to it.
    pub fn check(&self) -> Result<(), Refusal> {
        self.survey.imports.iter().try_for_each(|import| self.check_one(import))
    }

    /// The imports that are not given to it.
    pub fn refused(&self) -> Vec<String> {
        let is_refused = |import: &&String| self.check_one(import).is_err();
        self.survey.imports.iter().filter(is_refused).cloned().collect()
    }

    fn check_one(&self, import: &str) -> Result<(), Refusal> {
        let Some(capability) = self.ways_out.capability_of(import) else {
            return self.check_without_capability(import);
        };
        if let World::Aggregate = self.world {
            return Err(self.refuse(import, "but an aggregate has no way out", IN_A_HANDLER));
        }
        if self.capabilities.contains(capability) {
            return Ok(());
        }
        Err(self.refuse(
            import,
            &format!("but its manifest does not request capability \"{capability}\""),
            &format!("Add `capabilities = [\"{capability}\"]` to the plugin's manifest."),
        ))
    }

    fn check_without_capability(&self, import: &str) -> Result<(), Refusal> {
        let (unversioned, version) = import.split_once('@').unwrap_or((import, ""));
        let hint = match unversioned.split_once('/') {
            Some((PACKAGE, interface)) => {
                if let Some((why, hint)) = self.of_another_world(import, interface) {
                    return Err(self.refuse(import, why, hint));
                }
                if self.world.may_import(interface, version) {
                    return Ok(());
                }
                "Update camshaft, or rebuild the plugin with an older SDK: the interface is of a newer contract."
            }
            Some(_) if is_wasi(import) => return Ok(()),
            Some(("wasi:http", _)) => {
                "Import only `outgoing-handler` of wasi:http: a plugin with the grant `http` sends requests, and receives none."
            }
            _ => "Import only the interfaces that `camshaft wit` writes, and WASI, which is empty here.",
        };
        Err(self.refuse(import, "which this camshaft does not provide", hint))
    }

    /// Why plugins of this world do not get an interface that those of another world have, and a hint.
    fn of_another_world(&self, import: &str, interface: &str) -> Option<(&'static str, &'static str)> {
        match (self.world, interface) {
            (World::Aggregate, "state") => Some((
                "but an aggregate has no state of its own: its folds are made by `evolve`",
                "Remove the import: `decide` reads scopes with `scopes.load`, and `evolve` returns their folds.",
            )),
            (World::Aggregate, "publisher") if !self.survey.type_imports.contains(import) => Some((
                "but an aggregate publishes nothing except the facts that `decide` returns",
                "Return facts from `decide`, and set timers in a handler that receives them.",
            )),
            (World::Handler, "scopes" | "deciding") => Some((
                "but only an aggregate has scopes",
                "Export `decide` and `evolve` instead of `handle`, or keep the values with `state`.",
            )),
            _ => None,
        }
    }

    fn refuse(&self, import: &str, why: &str, hint: &str) -> Refusal {
        let message = format!("\"{}\" imports \"{import}\", {why}", self.file.display());
        Refusal::new(RefusalCode::UnknownImport, message, hint)
    }
}

fn other_world(survey: &Survey, file: &Path) -> Refusal {
    let kind = OTHER_KINDS
        .iter()
        .find(|(export, _)| survey.exports.iter().any(|found| found.starts_with(export)))
        .map_or("a component of another kind", |(_, kind)| kind);
    let exports = match survey.exports.as_slice() {
        [] => "exports nothing".to_owned(),
        exports => format!("exports {}", quoted(exports)),
    };
    Refusal::new(
        RefusalCode::UnsupportedWorld,
        format!(
            "\"{}\" is {kind}, not a Camshaft plugin: it {exports} instead of the function \"{HANDLE}\" of the \
             world {PACKAGE}/handler",
            file.display()
        ),
        "Write the plugin with camshaft-sdk, or against the contract that `camshaft wit` writes.",
    )
}

fn mixed_worlds(exports: &str, file: &Path) -> Refusal {
    Refusal::new(
        RefusalCode::UnsupportedWorld,
        format!("\"{}\" {exports}", file.display()),
        "Export all functions of one world and none of another: `handle`, or `decide` and `evolve`.",
    )
}

fn unsupported(version: &str, supported: &str, file: &Path) -> Refusal {
    Refusal::new(
        RefusalCode::UnsupportedContractVersion,
        format!("\"{}\" uses {PACKAGE} {version}, but this camshaft supports {supported}", file.display()),
        "Rebuild the plugin with the SDK of this camshaft's release, or run the camshaft it was built for.",
    )
}

/// The version in `camshaft:plugin/…@version`.
fn contract_version(item: &str) -> Option<&str> {
    item.strip_prefix(PACKAGE)?.strip_prefix('/')?.split_once('@').map(|(_, version)| version)
}

fn quoted(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let mut text = names.iter().take(SHOWN).map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(", …");
    }
    text
}
