//! `camshaft run`: the runtime with its HTTP interface, until a signal stops it.
//!
//! It assembles settings, server and runtime, and shuts them down in order. [`Runtime`] contains the
//! runtime's behaviour; [`camshaft_server`] contains the HTTP routes.

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

/// Longest time for requests to finish after a stop signal.
const DRAIN: Duration = Duration::from_secs(10);

/// Longest time for the runtime to shut down: it waits ten seconds for handlers, then writes a last snapshot
/// and closes the log.
const CLOSE: Duration = Duration::from_secs(20);

/// The same after the log was poisoned, when no write can succeed any more.
const CLOSE_POISONED: Duration = Duration::from_secs(1);

/// How long a runtime with a poisoned log still answers requests, so that health checks see why it exits.
const TELL_POISONED: Duration = Duration::from_secs(1);

/// Threads for HTTP. Handlers run on separate threads.
const HTTP_THREADS: usize = 2;

#[derive(Debug, Args)]
#[command(after_help = "\
Flags override environment variables, which override the settings file. CAMSHAFT_TOKEN
contains the token itself. The first Ctrl-C or SIGTERM drains for at most 10 s and exits
with 0; the second stops at once.")]
pub struct Arguments {
    /// Settings file; ./camshaft.toml is read if it exists [env: CAMSHAFT_CONFIG]
    #[arg(long, value_name = "FILE", env = "CAMSHAFT_CONFIG", hide_env = true)]
    config: Option<PathBuf>,

    /// Data directory with the log and the tables, created if missing [env: CAMSHAFT_DATA] [default:
    /// ./camshaft-data]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,

    /// Plugins directory to watch, created if missing [env: CAMSHAFT_PLUGINS] [default: ./plugins]
    #[arg(long, value_name = "DIR")]
    plugins: Option<String>,

    /// Listen address of the HTTP interface [env: CAMSHAFT_LISTEN] [default: 127.0.0.1:4077]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,

    /// File with the token that callers must send [env: CAMSHAFT_TOKEN_FILE]
    #[arg(long, value_name = "FILE")]
    token_file: Option<String>,

    #[command(flatten)]
    logging: Logging,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.logging.start()?;
    pages::keep_small();
    let config = arguments.config()?;
    // Bind first, so that a second runtime started by mistake changes nothing.
    let connections = descriptors::connections(config.limits.max_connections);
    let server = Server::bind(config.listen, connections)?.with_token(config.token.clone());
    let threads = Builder::new_multi_thread().worker_threads(HTTP_THREADS).enable_all().build();
    let threads = threads.map_err(Failure::internal)?;
    let end = threads.block_on(serve(config, connections, server, &arguments.logging));
    // Requests that are still open after draining do not keep the process alive.
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
            tracing::info!("stop requested during startup");
            // Exiting here is safe: the next start continues recovery as after a crash.
            process::exit(ExitCode::Done as i32);
        }
    };
    front.open(camshaft_server::router(runtime.clone(), settings, closing));
    logging.say(&format!("listening on http://{address}"));
    if is_empty(&plugins) {
        output::note(&format!("there are no plugins in \"{}\" yet", plugins.display()));
        output::hint("Copy a .wasm file there at any time; run `camshaft build` to build one.");
    }
    let closed = until_end(&runtime, signals).await;
    let poisoned = matches!(closed, Closed::Poisoned { .. });
    stop.send_replace(true);
    // The runtime drains while requests finish: some requests wait for the runtime.
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

/// Waits for a signal, or until the log is closed. After that, another signal stops the process at once.
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
            "stopped at once; unfinished attempts run again after the next start, except at-most-once calls"
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
                "an environment variable is not a setting; a setting has a similar name"
            );
        }
        Ok(Config { compiler: compile::own_program(), functions_dir: cache::folder(), ..config })
    }
}

/// Whether the directory contains no plugin; false if it cannot be read.
fn is_empty(plugins: &Path) -> bool {
    let is_plugin =
        |entry: fs::DirEntry| entry.path().extension().is_some_and(|extension| extension == "wasm");
    fs::read_dir(plugins).is_ok_and(|mut entries| !entries.any(|entry| entry.is_ok_and(is_plugin)))
}
