//! The measurements behind the decisions in ARCHITECTURE.md, one subcommand each. They print tables, and with
//! `--json` write the figures down; they assert nothing about time.

mod measure;
mod store;

use clap::{Parser, Subcommand};

/// Measures parts of the runtime beside their alternatives.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    measurement: Measurement,
}

#[derive(Subcommand)]
enum Measurement {
    /// The embedded store below the tables: fjall beside LMDB.
    Store(store::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().measurement {
        Measurement::Store(arguments) => store::run(&arguments),
    }
}
