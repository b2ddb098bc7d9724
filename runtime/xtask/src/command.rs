//! Running other programs, visibly: every command is printed before it runs.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Where cargo puts what it builds.
pub(crate) fn target_folder() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// A cargo command in the root of the checkout.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments).current_dir(root());
    // What cargo told this program of its own package: dependencies that look at it would be built anew
    // whenever cargo is started by hand and from here in turns.
    for (name, _) in env::vars_os() {
        let is_own = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        if name.to_str().is_some_and(is_own) {
            command.env_remove(name);
        }
    }
    command
}

/// Prints the command, runs it, and fails if it does.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let shown = show(&command);
    eprintln!("$ {shown}");
    let status = command.status().with_context(|| format!("`{shown}` could not be started"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

fn show(command: &Command) -> String {
    let program =
        Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    std::iter::once(program).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// Builds a program of the workspace in the profile of the tests, and returns its path.
///
/// Cargo unifies the features of the selected packages. All checks therefore select the whole workspace, as
/// the tests do, so that each dependency is compiled once for all of them. Only the simulator stands apart:
/// selected, it would arm the sabotages in every other program.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    let mut build = cargo(&["build", "--locked", "--workspace", "--bin", name]);
    if name != SIMULATOR {
        build.args(["--exclude", SIMULATOR]);
    }
    run(build)?;
    Ok(target_folder().join("debug").join(name))
}

/// Package and program of the simulation.
pub(crate) const SIMULATOR: &str = "camshaft-sim";
