//! The commands of the README and of the authors' guide, run as a reader would run them, their output
//! compared.
//!
//! A fenced block `console` holds commands behind `$ ` and what they print; `…` stands for anything within a
//! line, a line of `…` alone for any lines. A block with `file=PATH` in its first line is a file that the
//! reader saves. A command that ends with ` &` goes on in the background until the end. Each command runs
//! once: the documents show how to wait for what takes time.
//!
//! `cargo install` compiles the program once more, for release. CI spares itself that, unless it runs every
//! suite: it puts the program that its other checks run in the same place.

mod blocks;
mod install;
mod session;

use std::fs;

use anyhow::{Context, Result, bail};

use crate::{command, toolchain};
use blocks::{Block, Command, blocks};
use install::Install;
use session::Session;

/// What a reader may follow, each from an empty folder.
pub(crate) const DOCUMENTS: [&str; 2] = ["README.md", "sdk/GUIDE.md"];

/// Runs every block of every document in order. They install the program as they say, or share the one that
/// the other checks run.
pub(crate) fn run(as_written: bool) -> Result<()> {
    toolchain::ensure()?;
    let install = if as_written { Install::AsWritten } else { Install::Built(command::program("camshaft")?) };
    DOCUMENTS.iter().try_for_each(|document| follow(document, &install))
}

fn follow(document: &str, install: &Install) -> Result<()> {
    let text = fs::read_to_string(command::root().join(document)).with_context(|| document.to_owned())?;
    let mut session = Session::new(install)?;
    let mut commands = 0;
    for block in blocks(&text) {
        match block {
            Block::File { path, content } => session.save(&path, &content)?,
            Block::Console(list) => {
                for command in list {
                    run_one(&mut session, document, &command)?;
                    commands += 1;
                }
            }
        }
    }
    if commands == 0 {
        bail!("{document} holds no command: nothing was checked");
    }
    eprintln!("{commands} commands of {document} print what it says");
    Ok(())
}

fn run_one(session: &mut Session, document: &str, command: &Command) -> Result<()> {
    eprintln!("$ {}", command.line);
    let printed = session.run(command)?;
    if command.matches(&printed) {
        return Ok(());
    }
    bail!("`{}` printed\n{printed}\nbut {document} says\n{}", command.line, command.expected.join("\n"))
}
