//! Checks of the repository's own files: the dependencies against `deny.toml`, and the hosted workflows.
//!
//! cargo-deny is built by cargo, because it exists as source only; action-validator comes by npm. Both are
//! installed into the target folder once.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{command, tools};

/// The version of cargo-deny that `deny.toml` is written for.
const DENY: &str = "0.20.2";

/// Where the hosted workflows are, below the root.
const WORKFLOWS: &str = ".github/workflows";

pub(crate) fn run() -> Result<()> {
    workflows()?;
    dependencies()
}

fn workflows() -> Result<()> {
    let sources = command::root().join("runtime/xtask/repository");
    let place = command::target_folder().join("repository");
    fs::create_dir_all(&place)?;
    let modules = tools::modules(&place, &sources, &[])?;
    let mut files = Vec::new();
    for entry in fs::read_dir(command::root().join(WORKFLOWS)).context(WORKFLOWS)? {
        files.push(entry?.path());
    }
    let mut validate = Command::new("node");
    validate.arg(modules.join("node_modules/@action-validator/cli/cli.mjs")).args(files);
    // It resolves patterns of paths below the folder that it runs in.
    validate.current_dir(command::root());
    command::run(validate)
}

fn dependencies() -> Result<()> {
    let mut deny = Command::new(deny()?);
    deny.args([
        "--locked",
        "--all-features",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ]);
    deny.current_dir(command::root());
    command::run(deny)
}

/// The program cargo-deny, installed where it is missing.
fn deny() -> Result<PathBuf> {
    let root = command::target_folder().join("repository").join(format!("cargo-deny-{DENY}"));
    let program = root.join("bin/cargo-deny");
    if !program.exists() {
        // Unoptimised: it builds in half of the time and runs for a second.
        let mut install = command::cargo(&["install", "--locked", "--debug", "--version", DENY, "--root"]);
        install.arg(&root).arg("cargo-deny").env_remove("CARGO_TARGET_DIR");
        command::run(install)?;
    }
    Ok(program)
}
