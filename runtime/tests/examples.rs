//! Every file in `runtime/examples` is run as a test. An example asserts what it shows.
//!
//! `cargo test` builds examples without running them, so their files are modules of this test.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;
use std::{fs, thread};

#[path = "../examples/aggregates.rs"]
mod aggregates;
#[path = "../examples/async_sink.rs"]
mod async_sink;
#[path = "../examples/commands.rs"]
mod commands;
#[path = "../examples/dead_letters.rs"]
mod dead_letters;
#[path = "../examples/durable_restart.rs"]
mod durable_restart;
#[path = "../examples/exactly_once.rs"]
mod exactly_once;
#[path = "../examples/load_a_plugin.rs"]
mod load_a_plugin;
#[path = "../examples/publish_subscribe.rs"]
mod publish_subscribe;
#[path = "../examples/read_the_log.rs"]
mod read_the_log;

/// The longest time that one example may take.
const LIMIT: Duration = Duration::from_secs(60);

macro_rules! run_each {
    ($($name:ident,)+) => {
        /// The names of all examples that have a test.
        const NAMES: &[&str] = &[$(stringify!($name),)+];

        $(
            #[test]
            fn $name() {
                run($name::main);
            }
        )+
    };
}

run_each! {
    aggregates,
    async_sink,
    commands,
    dead_letters,
    durable_restart,
    exactly_once,
    load_a_plugin,
    publish_subscribe,
    read_the_log,
}

/// Runs an example, and fails if it returns an error, panics or exceeds the limit.
fn run(example: fn() -> Result<(), Box<dyn Error>>) {
    let (done, outcome) = mpsc::channel();
    thread::spawn(move || done.send(example().map_err(|error| error.to_string())));
    let outcome = outcome.recv_timeout(LIMIT).expect("the example ends within the limit and does not panic");
    assert_eq!(outcome, Ok(()));
}

#[test]
fn every_file_in_the_folder_has_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files: BTreeSet<String> = fs::read_dir(folder)
        .expect("the folder exists")
        .map(|entry| entry.expect("the folder is readable").file_name().to_string_lossy().into_owned())
        .collect();
    let expected: BTreeSet<String> = NAMES.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(files, expected);
}
