//! `camshaft run`: the runtime as a process of its own.
//!
//! It puts settings, server and runtime together and takes them apart in order when it is asked to stop. What
//! the runtime does lies behind [`Runtime`]; what it answers, behind [`api`].

mod logging;
mod signals;

use std::{env, fs, net::SocketAddr, path::Path, path::PathBuf, time::Duration};

use clap::Args;
use tokio::sync::watch;

use super::failure::Failure;
use crate::{
    Config, ErrorCode, ExitCode, Runtime,
    api::{self, ApiSettings, Server},
    view::Closed,
};
use logging::Logging;
use signals::Signals;

/// How long requests may take to end once the runtime was asked to stop. Handlers then have ten seconds.
const DRAIN_REQUESTS: Duration = Duration::from_secs(2);

/// How long a runtime whose log is poisoned still answers, so that whoever watches it learns why it goes.
const TELL_POISONED: Duration = Duration::from_secs(1);

/// Runs the runtime until it is asked to stop
///
/// Settings: a flag wins over its CAMSHAFT_* variable, that over camshaft.toml, that over the default. The first
/// Ctrl-C or SIGTERM drains, the second stops at once.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// Settings file; camshaft.toml in the current directory is read if it exists
    #[arg(long, value_name = "FILE", env = "CAMSHAFT_CONFIG")]
    config: Option<PathBuf>,
    /// Directory of log and tables, made if missing [default: ./camshaft-data]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Directory that is watched for plugins, made if missing [default: ./plugins]
    #[arg(long, value_name = "DIR")]
    plugins: Option<String>,
    /// Address and port of the HTTP interface; port 0 takes a free one [default: 127.0.0.1:4077]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// File with the token that callers of the HTTP interface have to know
    #[arg(long, value_name = "FILE")]
    token_file: Option<String>,
    #[command(flatten)]
    logging: Logging,
}

impl Run {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        self.logging.start()?;
        let variables = env::vars_os().filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()));
        let config = Config::load(self.config.as_deref(), variables, self.flags())?;
        // The port comes first: a second start by mistake then touches nothing.
        let server = Server::bind(config.listen, config.limits.max_connections)?;
        let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let threads = threads.map_err(|error| Failure::internal(format!("threads cannot be started: {error}")))?;
        threads.block_on(self.serve(config, server))
    }

    fn flags(&self) -> impl Iterator<Item = (&'static str, String)> + use<> {
        let flags = [
            ("data", self.data.clone()),
            ("plugins", self.plugins.clone()),
            ("listen", self.listen.clone()),
            ("token_file", self.token_file.clone()),
        ];
        flags.into_iter().filter_map(|(key, value)| Some((key, value?)))
    }

    async fn serve(&self, config: Config, server: Server) -> Result<ExitCode, Failure> {
        let mut signals = Signals::listen().map_err(Failure::internal)?;
        let (settings, plugins) = (ApiSettings::from(&config), config.plugins.clone());
        let runtime = tokio::select! {
            opened = Runtime::open(config) => opened?,
            () = signals.next() => {
                tracing::info!("asked to stop while starting");
                // Recovery continues where a crash left it, and so it does here.
                std::process::exit(ExitCode::Done as i32);
            }
        };
        let router = api::router(runtime.clone(), settings, server.closing());
        self.tell_ready(server.address(), &plugins);
        let (reason, stopped) = watch::channel(None);
        let stop = async {
            tokio::select! {
                () = signals.next() => {
                    tracing::info!("draining; a second signal stops at once");
                    tokio::spawn(async move {
                        signals.next().await;
                        tracing::warn!("stopped at once; unfinished events run again after the next start");
                        std::process::exit(ExitCode::Internal as i32);
                    });
                }
                closed = runtime.closed() => {
                    reason.send_replace(Some(closed));
                    tokio::time::sleep(TELL_POISONED).await;
                }
            }
        };
        server.serve(router, stop, DRAIN_REQUESTS).await.map_err(Failure::internal)?;
        runtime.shutdown().await;
        let reason = stopped.borrow().clone();
        match reason {
            Some(Closed::Poisoned { reason }) => {
                Err(Failure::new(ErrorCode::LogPoisoned, format!("the log is poisoned: {reason}")))
            }
            Some(Closed::ShutDown) | None => {
                tracing::info!("stopped");
                Ok(ExitCode::Done)
            }
        }
    }

    fn tell_ready(&self, address: SocketAddr, plugins: &Path) {
        self.logging.say(&format!("listening on http://{address}"));
        if holds_no_plugin(plugins) {
            self.logging.say(&format!(
                "no plugin is in \"{}\" yet: copy a .wasm file into it, such as one that `camshaft build` made",
                plugins.display()
            ));
        }
    }
}

fn holds_no_plugin(plugins: &Path) -> bool {
    let Ok(entries) = fs::read_dir(plugins) else { return false };
    !entries.flatten().any(|entry| entry.path().extension().is_some_and(|extension| extension == "wasm"))
}
