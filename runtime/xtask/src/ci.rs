//! What must hold before a change lands, in the order in which mistakes are cheapest.

use std::time::Instant;

use anyhow::Result;

use crate::{bench, command, demo, instructions, readme, tidy, toolchain, torture};

/// All checks.
pub(crate) fn run() -> Result<()> {
    let started = Instant::now();
    let mut steps: Vec<(&str, u64)> = Vec::new();
    let mut step = |name: &'static str, body: &mut dyn FnMut() -> Result<()>| {
        eprintln!("── {name}");
        let begun = Instant::now();
        body()?;
        steps.push((name, begun.elapsed().as_secs()));
        Ok::<(), anyhow::Error>(())
    };
    step("house rules", &mut tidy::run)?;
    step("format", &mut || command::run(command::cargo(&["fmt", "--all", "--check"])))?;
    step("lints", &mut lints)?;
    step("docs", &mut docs)?;
    step("tests", &mut || test(&[]))?;
    step("simulation", &mut || sim(&[]))?;
    step("torture", &mut || torture::run(1.0, 60, None))?;
    step("demo", &mut || demo::run(false))?;
    step("readme", &mut readme::run)?;
    step("instructions", &mut || instructions::run(false))?;
    step("quick bench", &mut || bench::run(&["--quick".to_owned()]))?;
    for (name, seconds) in steps {
        eprintln!("{seconds:>6} s  {name}");
    }
    eprintln!("{:>6} s  in all", started.elapsed().as_secs());
    Ok(())
}

/// All tests; plugins that they need are built by the tests themselves, with the toolchain that is here now.
pub(crate) fn test(arguments: &[String]) -> Result<()> {
    toolchain::ensure()?;
    let mut command = command::cargo(&["test", "--locked", "--workspace", "--all-features"]);
    command.args(arguments);
    command::run(command)
}

/// The simulation of `runtime/sim`, without arguments as CI wants it.
pub(crate) fn sim(arguments: &[String]) -> Result<()> {
    let mut command = command::cargo(&["run", "--release", "--locked", "-p", "camshaft-sim", "--"]);
    command.args(arguments);
    command::run(command)
}

fn lints() -> Result<()> {
    command::run(command::cargo(&[
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ]))
}

fn docs() -> Result<()> {
    let mut command = command::cargo(&["doc", "--locked", "--workspace", "--no-deps"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    command::run(command)
}
