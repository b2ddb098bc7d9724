//! `camshaft dev`: a plugin's folder is watched, built and run; what it does is shown as it happens.
//!
//! The runtime is one of its own, in this process, with an empty log in the target folder. Building happens on a
//! thread beside it, so that the version before goes on meanwhile.

mod follow;
mod samples;
mod session;
mod sources;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime},
};

use camshaft_guest_build::{Component, Language};
use camshaft_wire::ErrorCode;
use clap::Args;
use tokio::sync::mpsc;

use super::{
    build::{self, Project},
    failure::Failure,
    output,
};
use session::Session;
use sources::{Edit, Sources};

/// Builds that wait to be run; the next edit waits for a place.
const MAX_WAITING: usize = 1;

#[derive(Debug, Args)]
#[command(after_help = "\
Edit a source file: the plugin is built, takes over from the version before, and gets the
sample events again, with new ids. A line a handled event goes to stdout, with what the
handler did; logs and how long it took from the edit go to stderr. State begins empty at
each start and stays over edits. What failed on the version before is dropped as the new
one takes over; without --events it is tried again. Other commands reach it by --url.")]
pub struct Arguments {
    /// The plugin's folder
    #[arg(value_name = "DIR", default_value = ".", hide_default_value = true)]
    folder: PathBuf,

    /// Sample events, one CloudEvent a line, as `publish` takes them
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,

    /// The operator's file that goes with the plugin: settings, limits, grants
    #[arg(long, value_name = "FILE")]
    operator: Option<PathBuf>,

    /// Where the HTTP interface listens; a free port unless given
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", hide_default_value = true)]
    listen: SocketAddr,

    #[command(flatten)]
    form: build::Form,
}

/// A component that was just built.
struct Built {
    component: Component,
    /// When the edit was made that led to it; none for the first one.
    edited: Option<SystemTime>,
    took: Duration,
}

pub fn dev(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    session::log()?;
    let others = [&arguments.events, &arguments.operator].into_iter().flatten().cloned().collect();
    let sources = Sources::watch(&arguments.folder, others)?;
    let project = Project::in_folder(&arguments.folder, arguments.form);
    let first = first(&project, &sources)?;
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let threads = threads.map_err(Failure::internal)?;
    let (sender, builds) = mpsc::channel(MAX_WAITING);
    let end = threads.block_on(async {
        let session = Session::start(arguments, &first.component, json).await?;
        thread::spawn(move || build_on(&project, &sources, &sender));
        session.run(first, builds).await
    });
    threads.shutdown_background();
    end
}

/// The first build that succeeds. What is wrong with the folder itself ends the command.
fn first(project: &Project, sources: &Sources) -> Result<Built, Failure> {
    let mut edited = None;
    loop {
        match build_now(project, edited) {
            Ok(built) => return Ok(built),
            Err(failure) if no_edit_helps(project.folder(), &failure) => return Err(failure),
            Err(failure) => failure.say(),
        }
        output::note("waiting for an edit");
        edited = sources.wait().map(|edit| edit.at);
    }
}

fn no_edit_helps(folder: &Path, failure: &Failure) -> bool {
    Language::of(folder).is_none() || failure.code() == ErrorCode::ToolchainMissing
}

/// Builds after each edit, as long as somebody takes what is built.
fn build_on(project: &Project, sources: &Sources, builds: &mpsc::Sender<Built>) {
    while let Some(Edit { at, .. }) = sources.wait() {
        match build_now(project, Some(at)) {
            Ok(built) => {
                if builds.blocking_send(built).is_err() {
                    return;
                }
            }
            Err(failure) => failure.say(),
        }
    }
}

fn build_now(project: &Project, edited: Option<SystemTime>) -> Result<Built, Failure> {
    let started = Instant::now();
    project.component().map(|component| Built { component, edited, took: started.elapsed() })
}
