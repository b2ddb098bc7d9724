//! Asks for confirmation before an irreversible action. Only a user at a terminal is asked.

use std::io;

use anstream::eprint;
use camshaft_wire::ErrorCode;

use super::{failure::Failure, output, terminal};

/// Like [`confirm`], for actions that lose data: without a terminal, only `--yes` confirms.
pub fn confirm_loss(question: &str, yes: bool) -> Result<bool, Failure> {
    if !yes && !terminal::can_ask() {
        let failure = Failure::new(
            ErrorCode::WrongUsage,
            format!("{question} This cannot be undone, and there is no terminal to confirm it"),
        );
        return Err(failure.hint("Pass --yes to confirm."));
    }
    Ok(confirm(question, yes))
}

/// Whether to proceed. Without a terminal, with `--yes`, and with `CI=true`, it does not ask and returns
/// true.
pub fn confirm(question: &str, yes: bool) -> bool {
    if yes || !terminal::can_ask() {
        return true;
    }
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    let agreed = read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
    if !agreed {
        output::note("cancelled; nothing was changed");
    }
    agreed
}
