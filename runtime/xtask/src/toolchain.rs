//! A toolchain for plugins: found, or installed where the machine is Debian's and we may.

use std::process::Command;

use anyhow::{Context, Result};
use camshaft_guest_build::{NoToolchain, Toolchain};

use crate::command;

/// Finds a toolchain that compiles plugins, and installs a distribution's compiler if there is none.
pub(crate) fn ensure() -> Result<Toolchain> {
    let missing = match Toolchain::find() {
        Ok(toolchain) => return Ok(toolchain),
        Err(missing) => missing,
    };
    eprintln!("{missing}");
    eprintln!("trying to install one");
    let mut words = NoToolchain::APT_COMMAND.split_whitespace();
    let program = words.next().context("the install command is empty")?;
    let mut update = Command::new(program);
    update.arg("update").arg("-qq");
    command::run(update)?;
    let mut install = Command::new(program);
    install.args(words).arg("-y").env("DEBIAN_FRONTEND", "noninteractive");
    command::run(install)?;
    Toolchain::find().context("the installed compiler is not found")
}
