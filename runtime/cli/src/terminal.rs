//! Properties of the terminal and of the environment.

use std::{
    env,
    io::{IsTerminal, stderr, stdin, stdout},
};

use indicatif::{ProgressBar, ProgressStyle};

/// Whether `CI=true` is set: then there are no colours, questions or progress bars.
pub fn is_unattended() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true")
}

/// Whether stderr is a terminal, and the run is not unattended.
pub fn is_watched() -> bool {
    !is_unattended() && stderr().is_terminal()
}

/// Whether the command can ask questions.
pub fn can_ask() -> bool {
    is_watched() && stdin().is_terminal()
}

/// Whether stderr shows colours.
pub fn stderr_has_colors() -> bool {
    has_colors(&stderr())
}

/// Whether stdout shows colours.
pub fn stdout_has_colors() -> bool {
    has_colors(&stdout())
}

/// The global colour choice, or else the choice by stream and environment.
fn has_colors(stream: &impl anstream::stream::RawStream) -> bool {
    match anstream::ColorChoice::global() {
        anstream::ColorChoice::Auto => anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never,
        choice => choice != anstream::ColorChoice::Never,
    }
}

/// Whether stdout is a terminal.
pub fn shows_stdout() -> bool {
    stdout().is_terminal()
}

/// The line width of stdout, if it is a terminal. None in unit tests, so that their output does not depend on
/// one.
pub fn width() -> Option<usize> {
    if cfg!(test) || !shows_stdout() {
        return None;
    }
    comfy_table::Table::new().width().map(usize::from)
}

/// A progress bar of `length` steps on stderr; hidden if stderr is not watched.
pub fn progress(length: u64, what: &'static str) -> ProgressBar {
    if !is_watched() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}").expect("the template is well-formed");
    ProgressBar::new(length).with_style(style).with_message(what)
}
