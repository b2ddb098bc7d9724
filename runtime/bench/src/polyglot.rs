//! What a language costs: the same plugin in Rust, JavaScript and Python, from its file to a call.
//!
//! The call is one of `examples/polyglot`: an event of JSON, one state read, one write, and nothing
//! published. The state is empty and forgets, so that only the plugin and the host are measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use camshaft::Event;
use camshaft_event::{Answer, Generation, Offset};
use camshaft_guest_build::{Language, Script};
use camshaft_host::{Host, HostOptions, Instance};

use crate::bench::Bench;
use crate::call::QuietContext;
use crate::measure::interleave;
use crate::report::{Better, Grid, Report};

/// What one round of one plugin took.
struct Round {
    compile_s: f64,
    cached_ms: f64,
    instantiate_us: f64,
    call_us: f64,
}

pub fn run(bench: &Bench) -> Result<Report> {
    let calls = bench.scale(20_000, 200);
    let rounds = bench.rounds(5);
    let files = build()?;
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let results = interleave(rounds, &files, |file, _, _| measure(file, calls))?;
    let mut grid =
        Grid::new("from file to call", "unit as named", Better::Lower, ["Rust", "JavaScript", "Python"]);
    let sizes: Vec<f64> =
        files.iter().map(|file| Ok(fs::metadata(file)?.len() as f64 / 1e6)).collect::<Result<_>>()?;
    grid.once("file, MB", sizes);
    let mut add = |name: &str, value: fn(&Round) -> f64| {
        grid.row(name, results.iter().map(|rounds| rounds.iter().map(value).collect()).collect());
    };
    add("load and compile, s", |round| round.compile_s);
    add("load with cached code, ms", |round| round.cached_ms);
    add("new instance, µs", |round| round.instantiate_us);
    add("call, µs", |round| round.call_us);
    let report = Report::new("polyglot", "The same plugin in several languages.")
        .setting("calls a round", calls.to_string())
        .setting("rounds", rounds.to_string());
    Ok(Report { grids: vec![grid], ..report })
}

/// The three components. Tools for JavaScript and Python are installed beside them if they are missing.
fn build() -> Result<Vec<PathBuf>> {
    let rust =
        camshaft_test_guests::plugins(&["meters-rust"]).remove("meters-rust").context("it was built")?;
    let target = rust.parent().and_then(Path::parent).context("components lie in the target folder")?;
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/polyglot");
    let script = |folder: &str, language| {
        Script::in_folder(example.join(folder)).target_folder(target).build(language).map(|built| built.path)
    };
    let javascript = script("javascript", Language::JavaScript)?;
    let python = script("python", Language::Python)?;
    Ok(vec![rust, javascript, python])
}

fn measure(file: &Path, calls: u32) -> Result<Round> {
    let cache = tempfile::tempdir()?;
    let begun = Instant::now();
    let host = Host::new(HostOptions::new(cache.path()))?;
    host.load(file, None)?;
    let compile_s = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let plugin = host.load(file, None)?;
    let cached_ms = begun.elapsed().as_secs_f64() * 1e3;
    let prepared = plugin.prepare::<QuietContext>()?;
    let begun = Instant::now();
    let mut instance = prepared.instantiate()?;
    let instantiate_us = begun.elapsed().as_secs_f64() * 1e6;
    call(&mut instance, calls / 10)?;
    let begun = Instant::now();
    call(&mut instance, calls)?;
    let call_us = begun.elapsed().as_secs_f64() * 1e6 / f64::from(calls);
    Ok(Round { compile_s, cached_ms, instantiate_us, call_us })
}

fn call(instance: &mut Instance<QuietContext>, calls: u32) -> Result<()> {
    let event = Event {
        id: "1".into(),
        source: "/bench".into(),
        event_type: "meter.read".into(),
        subject: Some("attic".into()),
        data: br#"{"meter":"attic","watt_hours":120310}"#.to_vec(),
        ..Event::default()
    };
    for _ in 0..calls {
        let (answer, _) =
            instance.call(&event, QuietContext { offset: Offset(1), generation: Generation(1) });
        ensure!(answer == Answer::Done, "the handler answered {answer:?}");
    }
    Ok(())
}
