//! What a build that failed says to the author.

use std::path::Path;

use camshaft::{RefusalCode, io_reason};
use camshaft_guest_build::{BuildError, Language, NoToolchain, ScriptError};
use camshaft_wire::ErrorCode;

use super::Failure;

/// Plugins of a workspace that are listed.
const MAX_OTHERS: usize = 10;

/// No Rust toolchain can compile plugins.
pub fn no_toolchain(error: NoToolchain) -> Failure {
    let message = "no Rust toolchain here can compile to wasm32-unknown-unknown";
    let failure = Failure::new(ErrorCode::ToolchainMissing, message);
    let failure = failure.hint(format!(
        "Run `rustup target add wasm32-unknown-unknown`, or on Debian `{}`.",
        NoToolchain::APT_COMMAND
    ));
    error.tried.into_iter().fold(failure, |failure, (way, reason)| failure.detail(format!("{way}: {reason}")))
}

/// A Rust plugin was not built.
pub fn rust(error: &BuildError) -> Failure {
    let failure = |message: String| Failure::new(ErrorCode::BuildFailed, message);
    match error {
        BuildError::CargoMissing(cause) => failure(format!("cargo cannot be run: {}", io_reason(cause)))
            .hint("Install Rust, or put cargo on the PATH."),
        BuildError::NoPackage { folder } => {
            failure(format!("there is no Cargo.toml in \"{}\"", folder.display()))
                .hint("Name the folder of a plugin's package: `camshaft build DIR`.")
        }
        BuildError::NoGuest { folder, others } => {
            let failure = failure(format!("the package in \"{}\" is no plugin", folder.display()));
            let failure = others.iter().take(MAX_OTHERS).fold(failure, |failure, other| {
                failure.detail(format!("a plugin of its workspace: {}", other.display()))
            });
            match others.as_slice() {
                [] => failure.hint("A plugin's Cargo.toml says `[lib] crate-type = [\"cdylib\"]`."),
                _ => failure.hint("Name the folder of a plugin: `camshaft build DIR`."),
            }
        }
        BuildError::Mistaken { .. } => {
            failure(error.to_string()).hint("Build with another target folder: set `CARGO_TARGET_DIR`.")
        }
        BuildError::Compile { folder } => {
            failure(format!("the plugin in \"{}\" does not compile", folder.display()))
                .hint("Correct what cargo says above.")
        }
        BuildError::Componentize { name, error } => {
            failure(format!("\"{name}\" compiles but is no plugin: {error}"))
                .hint("Does it use camshaft-sdk?")
        }
        BuildError::File { path, error } => Failure::write(path.display(), error),
    }
}

/// A plugin in JavaScript or Python was not built.
pub fn script(error: &ScriptError) -> Failure {
    let failure = |message: String| Failure::new(ErrorCode::BuildFailed, message);
    match error {
        ScriptError::ProgramMissing { program, language, needs, error } => {
            let message = format!("\"{program}\" cannot be run: {}", io_reason(error));
            Failure::new(ErrorCode::ToolchainMissing, message)
                .hint(format!("Plugins in {language} need {needs}; install it and put it on the PATH."))
        }
        ScriptError::Install { command } => failure(format!("`{command}` failed"))
            .hint("It says why above. It needs its registry once; then the tools stay in the target folder."),
        ScriptError::FileMissing { file, folder, purpose } => {
            failure(format!("there is no \"{file}\" in \"{}\"", folder.display()))
                .hint(format!("Write it: {purpose}."))
        }
        ScriptError::Invalid { path, reason } => failure(format!("\"{}\" is not right", path.display()))
            .detail(reason.trim_end())
            .hint("Correct it."),
        ScriptError::Refused { folder, reason } => {
            failure(format!("the plugin in \"{}\" cannot be made a component", folder.display()))
                .detail(reason)
                .hint("Correct what stands above.")
        }
        ScriptError::File { path, error } => Failure::write(path.display(), error),
    }
}

/// A component would be refused. Without a manifest it is a Rust plugin in whose `folder` no function is a handler.
pub fn component(failure: Failure, language: Option<Language>, folder: &Path) -> Failure {
    if failure.code() != RefusalCode::MissingManifest.into() || language != Some(Language::Rust) {
        return failure;
    }
    let message =
        format!("the plugin in \"{}\" handles nothing: no function has `#[handler]`", folder.display());
    Failure::new(failure.code(), message)
        .hint("Write `#[handler(\"order.placed\")]` before a function, with the types of its events.")
}

/// Nothing tells what the plugin is written in.
pub fn no_project(folder: &Path) -> Failure {
    let files = Language::ALL.map(|language| format!("{} ({language})", language.project_file()));
    let message = format!("there is no plugin in \"{}\"", folder.display());
    Failure::new(ErrorCode::BuildFailed, message)
        .detail(format!("looked for {}", files.join(", ")))
        .hint("Name a plugin's folder, `camshaft build DIR`, or make one with `camshaft new NAME`.")
}
