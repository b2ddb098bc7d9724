//! Asks before something is done that cannot be undone. Only a person at a terminal is asked.

use std::io;

use anstream::eprint;
use camshaft_wire::ErrorCode;

use super::{failure::Failure, output, terminal};

/// The same for what gives something up: without a terminal to ask at, only `--yes` agrees.
pub fn confirm_loss(question: &str, yes: bool) -> Result<bool, Failure> {
    if !yes && !terminal::can_ask() {
        let failure = Failure::new(
            ErrorCode::WrongUsage,
            format!("{question} There is no terminal here to ask at, and it cannot be undone"),
        );
        return Err(failure.hint("Give --yes to do it without a question."));
    }
    Ok(confirm(question, yes))
}

/// Whether to go on. Without a terminal, with `--yes`, and with `CI=true` there is no question.
pub fn confirm(question: &str, yes: bool) -> bool {
    if yes || !terminal::can_ask() {
        return true;
    }
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    let agreed = read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
    if !agreed {
        output::note("nothing was done");
    }
    agreed
}
