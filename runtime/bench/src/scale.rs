//! `camshaft-bench scale`: what everything costs as there is more of it.
//!
//! Subscriptions, keys, state, log, lagging consumers, dead letters, plugins; and what the runtime takes
//! while it has nothing to do. Where a figure is compared with that of something small, both were taken in
//! turns.

mod dead_letters;
mod idle;
mod keys;
mod lagging;
mod load;
mod log;
mod plugins;
mod quiet;
mod state;
mod subscriptions;
mod wakeups;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use crate::bench::Bench;
use crate::report::Report;
pub use plugins::{PartArguments, part};

/// Measures what everything costs as there is more of it.
#[derive(Parser)]
pub struct Arguments {
    /// Only these
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    only: Vec<What>,
}

/// What there is more and more of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Closures that want an event, or do not.
    Subscriptions,
    /// Ordering keys.
    Keys,
    /// Keys in the state.
    State,
    /// Events in the log.
    Log,
    /// Consumers that read the log from its start.
    Lagging,
    /// Dead letters beside the events that are handled.
    DeadLetters,
    /// Plugins that are loaded and not called.
    Plugins,
    /// Nothing at all.
    Idle,
}

impl What {
    fn run(self, bench: &Bench) -> Result<Report> {
        match self {
            Self::Subscriptions => subscriptions::run(bench),
            Self::Keys => keys::run(bench),
            Self::State => state::run(bench),
            Self::Log => log::run(bench),
            Self::Lagging => lagging::run(bench),
            Self::DeadLetters => dead_letters::run(bench),
            Self::Plugins => plugins::run(bench),
            Self::Idle => idle::run(bench),
        }
    }
}

pub fn run(bench: &Bench, arguments: &Arguments) -> Result<Report> {
    let wanted = if arguments.only.is_empty() { What::value_variants() } else { arguments.only.as_slice() };
    let mut whole = Report::new("scale", "What everything costs as there is more of it.")
        .setting("events", load::ABOUT)
        .setting("memory", "the default setting, 256 MiB");
    for what in wanted {
        let Report { name, about, settings, grids, curves } = what.run(bench)?;
        whole.settings.push((name.to_owned(), about));
        whole.settings.extend(settings.into_iter().map(|(what, value)| (format!("{name}, {what}"), value)));
        whole.grids.extend(grids);
        whole.curves.extend(curves);
    }
    Ok(whole)
}
