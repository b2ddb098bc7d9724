//! `camshaft-bench start`: how long a start takes with many plugins, whose code is cached or not.
//!
//! All plugins are the same program under other names, each file with bytes of its own, so that nothing is shared.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use camshaft::{Config, Runtime};
use clap::Parser;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use tempfile::TempDir;

/// How often it is looked whether all plugins run.
const LOOK: Duration = Duration::from_millis(1);

/// Measures a start with many plugins.
#[derive(Parser)]
pub struct Arguments {
    /// How many plugins.
    #[arg(long, default_value_t = 100)]
    plugins: usize,
    /// Warm starts, of which the median is shown.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The folder to put the data in; it should be on the disk that is to be measured.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
}

/// What one start took.
struct Start {
    name: &'static str,
    /// Until events are accepted.
    open: Duration,
    /// Until all plugins run.
    all: Duration,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let folder = TempDir::new_in(&arguments.folder)?;
    let bytes = write_plugins(folder.path(), arguments.plugins)?;
    println!("{} plugins, {} KiB each", arguments.plugins, bytes / 1024);
    let mut starts = vec![start("nothing known", folder.path(), arguments.plugins)?];
    // What ran last is loaded from the kept copies and their cached code, and the files are only compared.
    starts.push(median("as it was left", arguments.rounds, || Ok(()), folder.path(), arguments.plugins)?);
    let forget = || Ok(fs::remove_dir_all(folder.path().join("data/versions"))?);
    starts.push(median("cached code only", arguments.rounds, forget, folder.path(), arguments.plugins)?);
    let forget = || Ok(fs::remove_dir_all(folder.path().join("data/code"))?);
    starts.push(median("compiled anew", 1, forget, folder.path(), arguments.plugins)?);
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["start", "accepting after, ms", "all plugins run after, ms"]);
    for Start { name, open, all } in starts {
        table.add_row([name.to_owned(), open.as_millis().to_string(), all.as_millis().to_string()]);
    }
    println!("{table}");
    Ok(())
}

fn median(
    name: &'static str,
    rounds: usize,
    prepare: impl Fn() -> Result<()>,
    folder: &Path,
    plugins: usize,
) -> Result<Start> {
    let mut starts = Vec::new();
    for _ in 0..rounds.max(1) {
        prepare()?;
        starts.push(start(name, folder, plugins)?);
    }
    starts.sort_by_key(|start| start.all);
    Ok(starts.swap_remove(starts.len() / 2))
}

fn start(name: &'static str, folder: &Path, plugins: usize) -> Result<Start> {
    let config = Config { data: folder.join("data"), plugins: folder.join("plugins"), ..Config::default() };
    let tokio = tokio::runtime::Runtime::new()?;
    let begin = Instant::now();
    let runtime = tokio.block_on(Runtime::open(config))?;
    let open = begin.elapsed();
    while runtime.plugins().iter().filter(|plugin| plugin.activation.is_some()).count() < plugins {
        ensure!(begin.elapsed() < Duration::from_secs(600), "not all plugins run: {:#?}", runtime.plugins());
        thread::sleep(LOOK);
    }
    let all = begin.elapsed();
    tokio.block_on(runtime.shutdown());
    Ok(Start { name, open, all })
}

/// Writes the plugins, and returns the length of one.
fn write_plugins(folder: &Path, count: usize) -> Result<usize> {
    let plugins = folder.join("plugins");
    fs::create_dir(&plugins)?;
    let code = fs::read(camshaft_test_guests::component("without-manifest"))?;
    for number in 0..count {
        let manifest = format!(
            "manifest = 1\nname = \"plugin-{number}\"\nversion = \"1.0.0\"\n[[subscriptions]]\n\
             handler = \"handle\"\ntypes = [\"test.event\"]\n"
        );
        fs::write(plugins.join(format!("plugin-{number}.toml")), manifest)?;
        fs::write(plugins.join(format!("plugin-{number}.wasm")), with_section(&code, number)?)?;
    }
    Ok(code.len())
}

/// The component with a section that no one reads.
fn with_section(code: &[u8], number: usize) -> Result<Vec<u8>> {
    let content = format!("\x06number{number:06}");
    let mut bytes = code.to_vec();
    bytes.push(0);
    bytes.push(u8::try_from(content.len())?);
    bytes.extend(content.into_bytes());
    Ok(bytes)
}
