//! The measurements of `runtime/bench`, with everything they need: a toolchain for plugins, the peers,
//! Extism.

mod peers;

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::{command, toolchain};

/// The benches that measure beside peers.
const BESIDE_PEERS: [&str; 3] = ["latency", "pipeline", "publish"];

/// Those that need no peer, and so no installation.
const ALONE: [&str; 9] =
    ["call", "memory", "polyglot", "recovery", "reload", "scale", "soak", "start", "store"];

/// Runs the bench that `arguments` name, or all.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    toolchain::ensure()?;
    let folder = command::target_folder().join("bench");
    let asked = |names: &[&str]| arguments.iter().any(|argument| names.contains(&argument.as_str()));
    let help = asked(&["-h", "--help", "help"]);
    let all = !asked(&ALONE) && !asked(&BESIDE_PEERS);
    let mut found: Vec<(&str, PathBuf)> = Vec::new();
    if !help && (all || asked(&BESIDE_PEERS)) {
        // What cannot be installed is left out, and the report says so.
        for (flag, peer) in
            [("--nats-server", peers::nats_server(&folder)), ("--redis-server", peers::redis_server(&folder))]
        {
            match peer {
                Ok(program) => found.push((flag, program)),
                Err(error) => eprintln!("warning: without {}: {error:#}", flag.trim_start_matches('-')),
            }
        }
    }
    let quick = asked(&["--quick"]);
    // It brings a second wasmtime, which takes minutes to build: not to see that the bench works.
    if !help && !quick && (all || asked(&["call"])) {
        found.push(("--extism", extism()?));
    }
    let mut bench = if quick && !asked(&["store"]) {
        Command::new(command::program("camshaft-bench")?)
    } else {
        released(asked(&["store"]))
    };
    bench.arg("--folder").arg(folder);
    for (flag, program) in found {
        bench.arg(flag).arg(program);
    }
    bench.args(arguments);
    command::run(bench)
}

/// The bench as figures are published from it: in the release profile.
fn released(with_store: bool) -> Command {
    let mut bench = command::cargo(&["run", "--release", "--locked", "-p", "camshaft-bench"]);
    if with_store {
        bench.args(["--features", "store"]);
    }
    bench.arg("--");
    bench
}

/// The program of `runtime/bench/extism`, a workspace of its own.
fn extism() -> Result<PathBuf> {
    let target = command::target_folder().join("bench").join("extism");
    let mut build = command::cargo(&["build", "--release", "--locked"]);
    build.current_dir(command::root().join("runtime/bench/extism")).env("CARGO_TARGET_DIR", &target);
    command::run(build)?;
    Ok(target.join("release").join("camshaft-bench-extism"))
}
