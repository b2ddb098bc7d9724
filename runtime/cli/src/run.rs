//! `camshaft run`: the runtime with its HTTP interface, until somebody stops it.
//!
//! It puts settings, server and runtime together and takes them apart in order. What the runtime does lies
//! behind [`Runtime`]; what it answers, behind [`camshaft_server`].

mod descriptors;
mod logging;
mod pages;

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use camshaft::{Config, Runtime};
use camshaft_server::{ApiSettings, Front, Server};
use camshaft_wire::{Closed, ErrorCode, ExitCode};
use clap::Args;
use tokio::{
    runtime::Builder,
    sync::watch,
    time::{sleep, timeout},
};

use super::{cache, compile, failure::Failure, output, signals::Signals};
use logging::Logging;

/// Longest time for requests to end once the runtime was asked to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Longest time for the runtime itself: it gives handlers ten seconds, then writes a last snapshot and closes
/// the log.
const CLOSE: Duration = Duration::from_secs(20);

/// The same after the log was poisoned: nothing more can succeed.
const CLOSE_POISONED: Duration = Duration::from_secs(1);

/// How long a runtime whose log is poisoned still answers, so that whoever watches it learns why it goes.
const TELL_POISONED: Duration = Duration::from_secs(1);

/// Threads for HTTP. Handlers run on threads of their own.
const HTTP_THREADS: usize = 2;

#[derive(Debug, Args)]
#[command(after_help = "\
A flag wins over its variable, which wins over the settings file. CAMSHAFT_TOKEN is the
token itself. The first Ctrl-C or SIGTERM drains for at most 10 s and ends with 0, the
second stops at once.")]
pub struct Arguments {
    /// Settings; ./camshaft.toml is read if it exists [env: CAMSHAFT_CONFIG]
    #[arg(long, value_name = "FILE", env = "CAMSHAFT_CONFIG", hide_env = true)]
    config: Option<PathBuf>,

    /// Where log and tables lie, made if missing [env: CAMSHAFT_DATA] [default: ./camshaft-data]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,

    /// Which directory is watched for plugins, made if missing [env: CAMSHAFT_PLUGINS] [default: ./plugins]
    #[arg(long, value_name = "DIR")]
    plugins: Option<String>,

    /// Where the HTTP interface listens [env: CAMSHAFT_LISTEN] [default: 127.0.0.1:4077]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,

    /// A file with the token that callers need [env: CAMSHAFT_TOKEN_FILE]
    #[arg(long, value_name = "FILE")]
    token_file: Option<String>,

    #[command(flatten)]
    logging: Logging,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.logging.start()?;
    pages::keep_small();
    let config = arguments.config()?;
    // First of all, so that a second start by mistake touches nothing.
    let connections = descriptors::connections(config.limits.max_connections);
    let server = Server::bind(config.listen, connections)?.with_token(config.token.clone());
    let threads = Builder::new_multi_thread().worker_threads(HTTP_THREADS).enable_all().build();
    let threads = threads.map_err(Failure::internal)?;
    let end = threads.block_on(serve(config, connections, server, &arguments.logging));
    // A request that is still open after the time to drain does not keep the process.
    threads.shutdown_background();
    end
}

async fn serve(
    config: Config,
    max_connections: usize,
    server: Server,
    logging: &Logging,
) -> Result<(), Failure> {
    let mut signals = Signals::listen().map_err(Failure::internal)?;
    let front = Front::default();
    let settings = ApiSettings { max_connections, ..ApiSettings::from(&config) };
    let plugins = config.plugins.clone();
    let (closing, address) = (server.closing(), server.address());
    let (stop, mut stopping) = watch::channel(false);
    let stopping = async move { drop(stopping.wait_for(|stopping| *stopping).await) };
    let served = tokio::spawn(server.serve(front.router(), stopping, DRAIN));
    let runtime = tokio::select! {
        opened = Runtime::open(config) => opened?,
        () = signals.next() => {
            tracing::info!("asked to stop while starting");
            // Recovery goes on after any crash where it has to, and so it does after this.
            process::exit(ExitCode::Done as i32);
        }
    };
    front.open(camshaft_server::router(runtime.clone(), settings, closing));
    logging.say(&format!("listening on http://{address}"));
    if is_empty(&plugins) {
        output::note(&format!("there are no plugins in \"{}\" yet", plugins.display()));
        output::hint("Copy a .wasm file there at any time; `camshaft build` makes one.");
    }
    let closed = until_end(&runtime, signals).await;
    let poisoned = matches!(closed, Closed::Poisoned { .. });
    stop.send_replace(true);
    // The runtime drains beside the requests: those that wait for it come to their end.
    let most = if poisoned { CLOSE_POISONED } else { CLOSE };
    if timeout(most, runtime.shutdown()).await.is_err() {
        tracing::warn!("the log was not closed in time; the next start recovers it");
    }
    served.await.map_err(Failure::internal)?.map_err(Failure::internal)?;
    match closed {
        Closed::Poisoned { reason } => {
            Err(Failure::new(ErrorCode::LogPoisoned, "the log is poisoned").detail(reason))
        }
        Closed::ShutDown => {
            tracing::info!("stopped");
            Ok(())
        }
    }
}

/// Waits for a signal, or for the end of the log. From then on a further signal stops at once.
async fn until_end(runtime: &Runtime, mut signals: Signals) -> Closed {
    let closed = tokio::select! {
        closed = runtime.closed() => closed,
        () = signals.next() => {
            tracing::info!("draining; a second signal stops at once");
            Closed::ShutDown
        }
    };
    tokio::spawn(async move {
        signals.next().await;
        tracing::warn!(
            "stopped at once; what was not finished runs again after the next start, calls at most once excepted"
        );
        process::exit(ExitCode::Internal as i32);
    });
    if matches!(closed, Closed::Poisoned { .. }) {
        sleep(TELL_POISONED).await;
    }
    closed
}

impl Arguments {
    fn config(&self) -> Result<Config, Failure> {
        let flags = [
            ("data", &self.data),
            ("plugins", &self.plugins),
            ("listen", &self.listen),
            ("token_file", &self.token_file),
        ];
        let flags = flags.into_iter().filter_map(|(key, value)| Some((key, value.clone()?)));
        let text =
            |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        let config = Config::load(self.config.as_deref(), env::vars_os().filter_map(text), flags)?;
        let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        for (variable, meant) in Config::mistaken_variables(names) {
            tracing::warn!(
                variable,
                meant,
                "an environment variable sets nothing; another one of nearly that name does"
            );
        }
        Ok(Config { compiler: compile::own_program(), functions_dir: cache::folder(), ..config })
    }
}

/// Whether the directory holds no plugin; one that cannot be read is not called empty.
fn is_empty(plugins: &Path) -> bool {
    let is_plugin =
        |entry: fs::DirEntry| entry.path().extension().is_some_and(|extension| extension == "wasm");
    fs::read_dir(plugins).is_ok_and(|mut entries| !entries.any(|entry| entry.is_ok_and(is_plugin)))
}
