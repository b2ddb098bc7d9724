//! Whether a component speaks this host's contract, judged by the names it imports and exports.
//!
//! The loader asks before anything is compiled, so that a file of another kind is answered at once and with
//! one sentence. Types are checked later, when imports are resolved.

use std::{collections::BTreeSet, path::Path};

use crate::{Refusal, RefusalCode, artifact::Survey, egress::WaysOut};

/// Package of the contract.
const PACKAGE: &str = "camshaft:plugin";
/// The version of the contract that this host gives.
pub const VERSION: &str = "0.1.0";
/// The function that a handler exports.
pub const HANDLE: &str = "handle";
/// Interfaces of the contract that a handler may import.
const INTERFACES: [&str; 6] = ["types", "state", "publisher", "config", "logging", "context"];
/// Packages of WASI that are linked with nothing in them.
const WASI: [&str; 6] =
    ["wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:io", "wasi:random", "wasi:sockets"];
/// What other kinds of component export, and what to call them.
const OTHER_KINDS: [(&str, &str); 3] = [
    ("wasi:cli/run", "a command-line program"),
    ("wasi:http/incoming-handler", "an HTTP service"),
    ("wasmcloud:messaging/handler", "a wasmCloud message handler"),
];

/// Whether an import is one of WASI's that the host links with nothing in it.
pub fn is_wasi(import: &str) -> bool {
    import.split_once('/').is_some_and(|(package, _)| WASI.contains(&package))
}

/// The version of the contract that the component was written against.
pub fn judge(survey: &Survey, file: &Path) -> Result<String, Refusal> {
    let name = file.display();
    let written_against =
        survey.imports.iter().chain(&survey.exports).find_map(|item| contract_version(item));
    if let Some(version) = written_against
        && !same_series(version)
    {
        return Err(Refusal::new(
            RefusalCode::UnsupportedContractVersion,
            format!("\"{name}\" uses {PACKAGE} {version}, but this camshaft supports {VERSION}"),
            "Rebuild the plugin with the SDK of this camshaft's release, or run the camshaft it was built for.",
        ));
    }
    if !survey.exports.iter().any(|export| export == HANDLE) || written_against.is_none() {
        return Err(other_world(survey, file));
    }
    Ok(written_against.unwrap_or(VERSION).to_owned())
}

/// Whether everything that the component imports is given to it, with `capabilities` granted.
pub fn judge_imports(
    survey: &Survey,
    ways_out: &WaysOut,
    capabilities: &BTreeSet<String>,
    file: &Path,
) -> Result<(), Refusal> {
    survey.imports.iter().try_for_each(|import| judge_one(import, ways_out, capabilities, file))
}

/// The imports that are not given to it.
pub fn refused_imports(
    survey: &Survey,
    ways_out: &WaysOut,
    capabilities: &BTreeSet<String>,
    file: &Path,
) -> Vec<String> {
    let is_refused = |import: &&String| judge_one(import, ways_out, capabilities, file).is_err();
    survey.imports.iter().filter(is_refused).cloned().collect()
}

fn judge_one(
    import: &str,
    ways_out: &WaysOut,
    capabilities: &BTreeSet<String>,
    file: &Path,
) -> Result<(), Refusal> {
    match ways_out.capability_of(import) {
        Some(capability) if capabilities.contains(capability) => Ok(()),
        Some(capability) => Err(Refusal::new(
            RefusalCode::UnknownImport,
            format!(
                "\"{}\" imports \"{import}\", but its manifest does not request capability \"{capability}\"",
                file.display()
            ),
            format!("Add `capabilities = [\"{capability}\"]` to the plugin's manifest."),
        )),
        None => judge_import(import, file),
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

fn judge_import(import: &str, file: &Path) -> Result<(), Refusal> {
    let unversioned = import.split('@').next().unwrap_or(import);
    let known = match unversioned.split_once('/') {
        Some((PACKAGE, interface)) => INTERFACES.contains(&interface),
        Some(_) => is_wasi(import),
        None => false,
    };
    if known {
        return Ok(());
    }
    let hint = match unversioned.split_once('/') {
        Some((PACKAGE, _)) => {
            "Update camshaft, or rebuild the plugin with an older SDK: the interface is of a newer contract."
        }
        Some(("wasi:http", _)) => {
            "Import only `outgoing-handler` of wasi:http: a plugin with the grant `http` sends requests, and receives none."
        }
        _ => "Import only the interfaces that `camshaft wit` writes, and WASI, which is empty here.",
    };
    Err(Refusal::new(
        RefusalCode::UnknownImport,
        format!("\"{}\" imports \"{import}\", which this camshaft does not provide", file.display()),
        hint,
    ))
}

/// The version in `camshaft:plugin/…@version`.
fn contract_version(item: &str) -> Option<&str> {
    item.strip_prefix(PACKAGE)?.strip_prefix('/')?.split_once('@').map(|(_, version)| version)
}

/// Versions below 1.0 are compatible while the second number stays; pre-releases never are.
fn same_series(version: &str) -> bool {
    let series = VERSION.rsplit_once('.').map_or(VERSION, |(series, _)| series);
    version.rsplit_once('.').is_some_and(|(found, patch)| found == series && patch.parse::<u32>().is_ok())
}

fn quoted(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let mut text = names.iter().take(SHOWN).map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(", …");
    }
    text
}
