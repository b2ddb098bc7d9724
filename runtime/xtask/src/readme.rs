//! The README's commands, run as a reader would run them, their output compared.
//!
//! A fenced block `console` holds commands behind `$ ` and what they print; `…` stands for anything within a
//! line, a line of `…` alone for any lines. A block with `file=PATH` in its first line is a file that the reader
//! saves. A command that ends with ` &` goes on in the background until the end.

mod blocks;
mod session;

use std::fs;

use anyhow::{Context, Result, bail};

use crate::{command, toolchain};
use blocks::{Block, Command, blocks};
use session::Session;

/// Runs every block of README.md in order.
pub(crate) fn run() -> Result<()> {
    toolchain::ensure()?;
    let text = fs::read_to_string(command::root().join("README.md")).context("README.md is missing")?;
    let blocks = blocks(&text);
    let mut session = Session::new()?;
    let mut commands = 0;
    for block in blocks {
        match block {
            Block::File { path, content } => session.save(&path, &content)?,
            Block::Console(list) => {
                for command in list {
                    run_one(&mut session, &command)?;
                    commands += 1;
                }
            }
        }
    }
    if commands == 0 {
        bail!("README.md holds no command: nothing was checked");
    }
    eprintln!("{commands} commands of README.md print what it says");
    Ok(())
}

fn run_one(session: &mut Session, command: &Command) -> Result<()> {
    eprintln!("$ {}", command.line);
    let printed = session.run(command)?;
    if command.matches(&printed) {
        return Ok(());
    }
    bail!("`{}` printed\n{printed}\nbut README.md says\n{}", command.line, command.expected.join("\n"))
}
