//! The measurements behind `PERFORMANCE.md` and `runtime/decisions/`, one subcommand each.
//!
//! Each returns a report, which is printed and written as JSON, Markdown and a picture; none asserts anything
//! about time. Without a name, those of [`all::NAMES`] run one after another.

mod all;
mod bench;
mod call;
mod event;
mod http;
mod latency;
mod measure;
mod memory;
mod peers;
mod pipeline;
mod polyglot;
mod process;
mod publish;
mod recovery;
mod reload;
mod report;
mod resident;
mod scale;
mod scheduling;
mod server;
mod soak;
mod start;
#[cfg(feature = "store")]
mod store;

use std::fs;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

use bench::Bench;
use report::Conditions;

/// The one of the `camshaft` command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Camshaft beside its alternatives.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// What to measure; all that a release is judged by, if absent.
    #[command(subcommand)]
    measurement: Option<Measurement>,
    #[command(flatten)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Measurement {
    /// The main job, exactly once, beside JetStream, Redis and a plain Rust loop.
    Pipeline(pipeline::Arguments),
    /// Durable publishing, in process and over HTTP, beside JetStream and Redis.
    Publish(publish::Arguments),
    /// From a publish to its effects, beside one sync of the disk, JetStream and Redis.
    Latency,
    /// The cost of a call beside a raw wasmtime call, Extism and a native closure.
    Call,
    /// The same plugin in Rust, JavaScript and Python: its file, its start, a call.
    Polyglot,
    /// What the whole runtime takes while it knows far more than its `memory` setting holds.
    Memory(memory::Arguments),
    /// What events wait while one version of a plugin takes over from another.
    Reload(reload::Arguments),
    /// How long a start with many plugins takes.
    Start(start::Arguments),
    /// How long the runtime takes to be back after kill -9.
    Recovery,
    /// What everything costs as there is more of it: subscriptions, keys, state, log, dead letters, plugins.
    Scale(scale::Arguments),
    /// Memory and latency over a long time at half load.
    Soak(soak::Arguments),
    /// The embedded store below the tables: fjall beside LMDB.
    #[cfg(feature = "store")]
    Store(store::Arguments),
    /// One of the processes of `memory`.
    #[command(hide = true)]
    MemoryPart(memory::PartArguments),
    /// One of the processes of `scale`.
    #[command(hide = true)]
    ScalePart(scale::PartArguments),
    /// Syncs of a file, as `latency` wants them.
    #[command(hide = true)]
    Syncs(latency::SyncsArguments),
    /// A server that only syncs what it gets, as `publish` wants it.
    #[command(hide = true)]
    BareHttp(publish::BareArguments),
    /// The runtime under the load amid which `recovery` kills it.
    #[command(hide = true)]
    Load(recovery::LoadArguments),
}

fn main() -> anyhow::Result<ExitCode> {
    if server::is_program() {
        return Ok(camshaft_cli::main());
    }
    let Arguments { measurement, mut bench } = Arguments::parse();
    if let Some(done) = measurement.as_ref().and_then(part) {
        return done.map(|()| ExitCode::SUCCESS);
    }
    if bench.quick {
        // Apart, so that nobody takes them for measurements.
        bench.folder.push("quick");
    }
    fs::create_dir_all(&bench.folder)
        .with_context(|| format!("could not make the folder '{}'", bench.folder.display()))?;
    let Some(measurement) = measurement else { return all::run(&bench) };
    // Before, so that the load of the machine is not that of the bench.
    let conditions = Conditions::now(&bench.folder, &bench.peers, &bench.scheduling()?);
    let report = match measurement {
        Measurement::Pipeline(arguments) => pipeline::run(&bench, &arguments),
        Measurement::Publish(arguments) => publish::run(&bench, &arguments),
        Measurement::Latency => latency::run(&bench),
        Measurement::Call => call::run(&bench),
        Measurement::Polyglot => polyglot::run(&bench),
        Measurement::Memory(arguments) => memory::run(&bench, &arguments),
        Measurement::Reload(arguments) => reload::run(&bench, &arguments),
        Measurement::Start(arguments) => start::run(&bench, &arguments),
        Measurement::Recovery => recovery::run(&bench),
        Measurement::Scale(arguments) => scale::run(&bench, &arguments),
        Measurement::Soak(arguments) => soak::run(&bench, &arguments),
        #[cfg(feature = "store")]
        Measurement::Store(arguments) => store::run(&bench, &arguments),
        Measurement::MemoryPart(_)
        | Measurement::ScalePart(_)
        | Measurement::Syncs(_)
        | Measurement::BareHttp(_)
        | Measurement::Load(_) => {
            unreachable!("done above")
        }
    }?;
    report.write(&conditions, &bench.folder)?;
    println!("{}\n{}", conditions.markdown(), report.markdown());
    eprintln!("written: {}/{}.{{json,md,svg}}", bench.folder.display(), report.name);
    Ok(ExitCode::SUCCESS)
}

/// Does what a bench started this process for, if that is why it runs.
fn part(measurement: &Measurement) -> Option<anyhow::Result<()>> {
    match measurement {
        Measurement::MemoryPart(arguments) => Some(memory::part(arguments)),
        Measurement::ScalePart(arguments) => Some(scale::part(arguments)),
        Measurement::Syncs(arguments) => Some(latency::syncs(arguments)),
        Measurement::BareHttp(arguments) => Some(publish::serve_bare(arguments)),
        Measurement::Load(arguments) => Some(recovery::load(arguments)),
        #[cfg(feature = "store")]
        Measurement::Store(arguments) => store::part(arguments),
        _ => None,
    }
}
