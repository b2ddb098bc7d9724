//! `camshaft dev`: watches a plugin's folder, builds and runs the plugin, and shows its effects as they
//! happen.
//!
//! It starts its own runtime in this process, with an empty log in the target folder. A separate thread
//! builds, so that the previous version keeps running meanwhile.

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

/// Finished builds that may wait to be run; the next build waits for space.
const MAX_WAITING: usize = 1;

#[derive(Debug, Args)]
#[command(after_help = "\
After each edit of a source file, the plugin is rebuilt, replaces the running version, and
receives the sample events again, with new ids. For each handled event, stdout shows one
line and the effects of the handler. Logs and the time from edit to effect go to stderr.
State starts empty and is kept across edits. Events that failed on the previous version
are dropped when the new one takes over; without --events they are retried. Other commands
connect to this runtime with --url.")]
pub struct Arguments {
    /// Folder of the plugin
    #[arg(value_name = "DIR", default_value = ".", hide_default_value = true)]
    folder: PathBuf,

    /// File of sample events, one CloudEvent per line, as for `publish`
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,

    /// Operator's file for the plugin: settings, limits, grants
    #[arg(long, value_name = "FILE")]
    operator: Option<PathBuf>,

    /// Listen address of the HTTP interface [default: 127.0.0.1 with a free port]
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", hide_default_value = true)]
    listen: SocketAddr,

    #[command(flatten)]
    form: build::Form,
}

/// A component that was just built.
struct Built {
    component: Component,
    /// Time of the edit that led to this build; none for the first build.
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

/// The first build that succeeds. Fails if no edit can make the build succeed.
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

/// Builds after each edit, until the receiver of the builds is dropped.
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
