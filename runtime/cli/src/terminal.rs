//! What is known about whoever looks at the output.

use std::{
    env,
    io::{IsTerminal, stderr, stdin, stdout},
};

use indicatif::{ProgressBar, ProgressStyle};

/// Whether `CI=true` says that nobody looks: no colour, no question, no progress bar.
pub fn is_unattended() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true")
}

/// Whether somebody follows stderr while the command runs.
pub fn is_watched() -> bool {
    !is_unattended() && stderr().is_terminal()
}

/// Whether somebody can be asked.
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

/// The choice that was made for all, or else what the stream and the environment say.
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

/// The characters of a line on stdout, if it is a terminal. Unit tests compare what is the same everywhere.
pub fn width() -> Option<usize> {
    if cfg!(test) || !shows_stdout() {
        return None;
    }
    comfy_table::Table::new().width().map(usize::from)
}

/// A bar of `length` steps on stderr, if somebody follows it.
pub fn progress(length: u64, what: &'static str) -> ProgressBar {
    if !is_watched() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}").expect("the template is well-formed");
    ProgressBar::new(length).with_style(style).with_message(what)
}
