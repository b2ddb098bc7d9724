//! The measurements behind the decisions in ARCHITECTURE.md, one subcommand each. They print tables, and with
//! `--json` write the figures down; they assert nothing about time.

mod call;
mod measure;
mod memory;
mod pipeline;
mod polyglot;
mod reload;
mod resident;
mod start;
#[cfg(feature = "store")]
mod store;

use clap::{Parser, Subcommand};

/// The one of the `camshaft` command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures parts of the runtime beside their alternatives.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// What to measure; `pipeline` and `call`, if absent.
    #[command(subcommand)]
    measurement: Option<Measurement>,
    /// Few events and one round, to see that it works.
    #[arg(long)]
    quick: bool,
}

#[derive(Subcommand)]
enum Measurement {
    /// The main job beside a plain Rust loop.
    Pipeline(pipeline::Arguments),
    /// The cost of a call beside a raw wasmtime call.
    Call(call::Arguments),
    /// The same plugin in Rust, JavaScript and Python: its file, its start, a call.
    Polyglot(polyglot::Arguments),
    /// What the whole runtime takes while it knows far more than its `memory` setting holds.
    Memory(memory::Arguments),
    /// What events wait while one version of a plugin takes over from another.
    Reload(reload::Arguments),
    /// How long a start with many plugins takes.
    Start(start::Arguments),
    /// The embedded store below the tables: fjall beside LMDB.
    #[cfg(feature = "store")]
    Store(store::Arguments),
}

fn main() -> anyhow::Result<()> {
    let Arguments { measurement, quick } = Arguments::parse();
    match measurement {
        Some(Measurement::Pipeline(arguments)) => pipeline::run(&arguments),
        Some(Measurement::Call(arguments)) => call::run(&arguments),
        Some(Measurement::Polyglot(arguments)) => polyglot::run(&arguments),
        Some(Measurement::Memory(arguments)) => memory::run(&arguments),
        Some(Measurement::Reload(arguments)) => reload::run(&arguments),
        Some(Measurement::Start(arguments)) => start::run(&arguments),
        #[cfg(feature = "store")]
        Some(Measurement::Store(arguments)) => store::run(&arguments),
        None => {
            pipeline::run(&pipeline::Arguments::defaults(quick))?;
            call::run(&call::Arguments::defaults(quick))
        }
    }
}
