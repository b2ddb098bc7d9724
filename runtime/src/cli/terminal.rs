//! What is known about whoever looks at the output: colours, width, whether anybody can be asked.
//!
//! `CI=true` means that nobody looks: no colour, no question, no progress bar.

use std::{env, io::IsTerminal, io::stderr};

/// Decides about colours, once, before anything is printed. Otherwise they appear on terminals alone, unless
/// `NO_COLOR` forbids them.
pub(super) fn prepare() {
    if is_ci() {
        anstream::ColorChoice::Never.write_global();
    }
}

/// The same decision for help texts.
pub(super) fn clap_colors() -> clap::ColorChoice {
    if is_ci() { clap::ColorChoice::Never } else { clap::ColorChoice::Auto }
}

/// Whether stderr shows colours.
pub(super) fn stderr_has_colors() -> bool {
    anstream::AutoStream::choice(&stderr()) != anstream::ColorChoice::Never
}

/// Whether somebody reads stderr while the command runs.
pub(super) fn is_watched() -> bool {
    !is_ci() && stderr().is_terminal()
}

fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}
