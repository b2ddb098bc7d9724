//! Error messages of failed builds.

use std::path::Path;

use camshaft::{RefusalCode, io_reason};
use camshaft_guest_build::{BuildError, Language, NoToolchain, ScriptError};
use camshaft_wire::ErrorCode;

use super::Failure;

/// Maximum number of other plugins in the workspace to list.
const MAX_OTHERS: usize = 10;

/// No Rust toolchain can compile plugins.
pub fn no_toolchain(error: NoToolchain) -> Failure {
    let message = "no installed Rust toolchain can compile to wasm32-unknown-unknown";
    let failure = Failure::new(ErrorCode::ToolchainMissing, message);
    let failure = failure.hint(format!(
        "Run `rustup target add wasm32-unknown-unknown`, or on Debian `{}`.",
        NoToolchain::APT_COMMAND
    ));
    error.tried.into_iter().fold(failure, |failure, (way, reason)| failure.detail(format!("{way}: {reason}")))
}

/// The build of a Rust plugin failed.
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
            let failure = failure(format!("the package in \"{}\" is not a plugin", folder.display()));
            let failure = others.iter().take(MAX_OTHERS).fold(failure, |failure, other| {
                failure.detail(format!("plugin in its workspace: {}", other.display()))
            });
            match others.as_slice() {
                [] => failure.hint("Add `[lib] crate-type = [\"cdylib\"]` to its Cargo.toml."),
                _ => failure.hint("Name the folder of a plugin: `camshaft build DIR`."),
            }
        }
        BuildError::Mistaken { .. } => {
            failure(error.to_string()).hint("Build with another target folder: set `CARGO_TARGET_DIR`.")
        }
        BuildError::Compile { folder } => {
            failure(format!("the plugin in \"{}\" does not compile", folder.display()))
                .hint("Fix the errors that cargo printed above.")
        }
        BuildError::Ended { folder, signal } => failure(format!(
            "cargo ended by {signal} before the plugin in \"{}\" was built",
            folder.display()
        ))
        .hint("Run the build again. If the system ended it for want of memory, stop other programs first."),
        BuildError::Componentize { name, error } => {
            failure(format!("\"{name}\" compiles but is not a plugin: {error}"))
                .hint("Check that it uses camshaft-sdk.")
        }
        BuildError::File { path, error } => Failure::write(path.display(), error),
    }
}

/// The build of a JavaScript or Python plugin failed.
pub fn script(error: &ScriptError) -> Failure {
    let failure = |message: String| Failure::new(ErrorCode::BuildFailed, message);
    match error {
        ScriptError::ProgramMissing { program, language, needs, error } => {
            let message = format!("\"{program}\" cannot be run: {}", io_reason(error));
            Failure::new(ErrorCode::ToolchainMissing, message)
                .hint(format!("Install {needs} and put it on the PATH; {language} plugins need it."))
        }
        ScriptError::Install { command } => failure(format!("`{command}` failed"))
            .hint("See its output above. It needs its registry once; the target folder keeps the tools."),
        ScriptError::FileMissing { file, folder, purpose } => {
            failure(format!("there is no \"{file}\" in \"{}\"", folder.display()))
                .hint(format!("Create it: {purpose}."))
        }
        ScriptError::Invalid { path, reason } => failure(format!("\"{}\" is invalid", path.display()))
            .detail(reason.trim_end())
            .hint("Correct the file."),
        ScriptError::Refused { folder, reason } => {
            failure(format!("the plugin in \"{}\" cannot be built into a component", folder.display()))
                .detail(reason)
                .hint("Fix the error above.")
        }
        ScriptError::File { path, error } => Failure::write(path.display(), error),
    }
}

/// The runtime would refuse the component. A Rust plugin without a manifest, or without exports, is one in
/// whose `folder` no function is a handler or decides commands, so that case gets its own message.
pub fn component(failure: Failure, language: Option<Language>, folder: &Path) -> Failure {
    let codes = [RefusalCode::MissingManifest, RefusalCode::UnsupportedWorld].map(ErrorCode::from);
    if !codes.contains(&failure.code()) || language != Some(Language::Rust) {
        return failure;
    }
    let message =
        format!("the plugin in \"{}\" handles no events: no function has `#[handler]`", folder.display());
    Failure::new(ErrorCode::MissingManifest, message)
        .hint("Write `#[handler(\"order.placed\")]` before a function, with the event types that it handles.")
}

/// The folder has no project file, so the plugin's language is unknown.
pub fn no_project(folder: &Path) -> Failure {
    let files = Language::ALL.map(|language| format!("{} ({language})", language.project_file()));
    let message = format!("there is no plugin in \"{}\"", folder.display());
    Failure::new(ErrorCode::BuildFailed, message)
        .detail(format!("looked for {}", files.join(", ")))
        .hint("Name a plugin's folder with `camshaft build DIR`, or create one with `camshaft new NAME`.")
}
