//! Why a call ended without an answer, in words that an author can act on.
//!
//! A trap is told apart by its kind; then come the guest's last words and a backtrace with the guest's own
//! function names, without the frames that only lead into it.

use std::fmt::{self, Write};

use camshaft_event::{Answer, FailureCause, Limit};
use jiff::SignedDuration;
use wasmtime::{FrameInfo, Trap, WasmBacktrace};

use super::{call::bounded, session::Session};

/// Most frames of a backtrace that are shown.
const MAX_FRAMES: usize = 24;
/// Longest function name that is shown, in bytes.
const MAX_NAME_BYTES: usize = 200;

/// The answer for a call of `callee` that ended with `error`.
pub fn explain<C>(callee: &str, error: &wasmtime::Error, session: &Session<C>, deadline_ms: u64) -> Answer {
    let trap = error.downcast_ref::<Trap>();
    let mut words = session.last_words();
    let (cause, mut text) = match (trap, session.memory.denied()) {
        (Some(Trap::Interrupt), _) => (FailureCause::Deadline, late(callee, deadline_ms)),
        (Some(Trap::StackOverflow), _) => (
            FailureCause::Stack,
            format!(
                "{callee} overflowed its stack of {}: its calls are nested too deeply ({})",
                bytesize::ByteSize::b(session.bounds.stack_bytes).display().iec(),
                Limit::Stack.raised_by()
            ),
        ),
        (_, Some((wanted, limit))) => (
            FailureCause::Memory,
            format!(
                "{callee} requested {} of memory, more than its limit of {} ({})",
                bytesize::ByteSize::b(wanted as u64).display().iec(),
                bytesize::ByteSize::b(limit as u64).display().iec(),
                Limit::Memory.raised_by()
            ),
        ),
        // How a panic ends says nothing; what it said stands first, where listings show it.
        (Some(Trap::UnreachableCodeReached), None) if let Some(words) = words.take() => {
            (FailureCause::Trap, format!("{callee} trapped: {}", words.replacen(":\n", ": ", 1)))
        }
        (Some(trap), None) => (FailureCause::Trap, format!("{callee} trapped: {trap}")),
        (None, None) => (FailureCause::Trap, format!("{callee} trapped: {}", error.root_cause())),
    };
    if let Some(words) = words {
        add(&mut text, format_args!("\n{words}"));
    }
    if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
        show(backtrace.frames(), &mut text);
    }
    Answer::Failed { cause, error: bounded(text) }
}

/// The answer for a call that was ended at its deadline, wherever it was.
pub fn too_late<C>(session: &Session<C>, deadline_ms: u64) -> Answer {
    let mut text = late("the handler", deadline_ms);
    if let Some(words) = session.last_words() {
        add(&mut text, format_args!("\n{words}"));
    }
    Answer::Failed { cause: FailureCause::Deadline, error: bounded(text) }
}

/// The answer of a call in which requests were denied: where it failed, that may be why.
pub fn with_denied(answer: Answer, denied: &[String]) -> Answer {
    let add_to = |text: String| match denied {
        [] => text,
        denied => bounded(format!("{text}\n{}", denied.join("\n"))),
    };
    match answer {
        Answer::Done => Answer::Done,
        Answer::Retry { after_ms, reason } => Answer::Retry { after_ms, reason: add_to(reason) },
        Answer::Reject { reason } => Answer::Reject { reason: add_to(reason) },
        Answer::Failed { cause, error } => Answer::Failed { cause, error: add_to(error) },
    }
}

fn late(callee: &str, deadline_ms: u64) -> String {
    format!("{callee} exceeded its deadline of {} ({})", span(deadline_ms), Limit::Deadline.raised_by())
}

/// One call of a backtrace: a function, inlined or not, and where it was, if the guest brought debug
/// information.
struct Call {
    name: String,
    place: Option<String>,
}

fn show(frames: &[FrameInfo], text: &mut String) {
    let is_own =
        |frame: &&FrameInfo| !frame.module().name().is_some_and(|name| name.starts_with("wit-component:"));
    let calls: Vec<Call> = frames.iter().filter(is_own).flat_map(calls).collect();
    let mut shown: Vec<&Call> = calls.iter().filter(|call| !is_scaffolding_name(&call.name)).collect();
    if shown.is_empty() {
        // The handler itself was inlined into what leads to it.
        shown.extend(&calls);
    }
    for (number, Call { name, place }) in shown.iter().take(MAX_FRAMES).enumerate() {
        if number == 0 {
            text.push_str("\nbacktrace, innermost call first:");
        }
        add(text, format_args!("\n  {number:>2}: {name}"));
        if let Some(place) = place {
            add(text, format_args!("\n        at {place}"));
        }
    }
    if shown.len() > MAX_FRAMES {
        add(text, format_args!("\n  … and {} more", shown.len() - MAX_FRAMES));
    }
}

/// The calls of one frame, innermost first: debug information knows those that were inlined into it.
fn calls(frame: &FrameInfo) -> Vec<Call> {
    let name = || frame.func_name().map_or_else(|| format!("function {}", frame.func_index()), demangled);
    let calls = frame.symbols().iter().map(|symbol| Call {
        name: symbol.name().map_or_else(name, demangled),
        place: symbol.file().zip(symbol.line()).map(|(file, line)| format!("{file}:{line}")),
    });
    let calls: Vec<Call> = calls.collect();
    if calls.is_empty() { vec![Call { name: name(), place: None }] } else { calls }
}

fn add(text: &mut String, more: fmt::Arguments<'_>) {
    text.write_fmt(more).expect("writing to a String cannot fail");
}

/// Whether a function belongs to the panic machinery or to what leads to the handler: it says nothing about
/// the handler. A path, or `<type as trait>::function` of either.
fn is_scaffolding_name(name: &str) -> bool {
    const PREFIXES: [&str; 9] = [
        "__rustc::",
        "core::ops::function::",
        "core::panicking::",
        "std::panicking::",
        "std::sys::",
        "std::process::abort",
        "panic_abort::",
        "camshaft_sdk::guest::",
        "camshaft_sdk::handler::",
    ];
    const NAMES: [&str; 6] = ["rust_panic", "abort", "handle", "decide", "evolve", "__rust_start_panic"];
    let of_type = name.trim_start_matches('<');
    let of_trait = name.split_once(" as ").map_or("", |(_, of_trait)| of_trait);
    NAMES.contains(&name)
        || PREFIXES.iter().any(|prefix| of_type.starts_with(prefix) || of_trait.starts_with(prefix))
}

fn demangled(name: &str) -> String {
    let mut name = format!("{:#}", rustc_demangle::demangle(name));
    name.truncate(name.floor_char_boundary(MAX_NAME_BYTES));
    name
}

fn span(ms: u64) -> String {
    let duration = SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
    format!("{duration:#}")
}

#[cfg(test)]
mod tests {
    use super::is_scaffolding_name;

    #[test]
    fn what_leads_to_the_handler_is_left_out_by_either_scheme_of_names() {
        for name in [
            "core::ops::function::FnOnce::call_once",
            "<stock::_::ENTRY::{closure#0} as core::ops::function::FnOnce<(Event,)>>::call_once",
            "<camshaft_sdk::guest::bindings::Component as Guest>::handle",
            "rust_panic",
        ] {
            assert!(is_scaffolding_name(name), "{name}");
        }
        for name in ["stock::reserve", "<stock::Shelf as stock::Count>::count", "stock::rust_panic"] {
            assert!(!is_scaffolding_name(name), "{name}");
        }
    }
}
