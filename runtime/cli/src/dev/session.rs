//! One run of `camshaft dev`: the runtime, the events sent to it, and the output.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use camshaft::{Config, Runtime, Stretch};
use camshaft_event::{ActivationId, Sequence};
use camshaft_guest_build::Component;
use camshaft_server::{ApiSettings, Server};
use camshaft_wire::{RedriveRequest, ResetPlace, ResetRequest};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tracing_subscriber::EnvFilter;

use super::{
    super::{cache, compile, failure::Failure, log_line, signals::Signals, terminal},
    Arguments, Built,
    follow::Follower,
    samples,
};
use crate::text;

/// Longest time for requests to finish at shutdown.
const DRAIN: Duration = Duration::from_secs(1);

/// Log filter: all lines of the plugin, and warnings of everything else.
const LOGGED: &str = "warn,camshaft::plugin=trace";

pub struct Session {
    runtime: Runtime,
    signals: Signals,
    stop: watch::Sender<bool>,
    served: JoinHandle<io::Result<()>>,
    /// File of the running version; its operator's file is beside it.
    file: PathBuf,
    operator: Option<PathBuf>,
    samples: Option<PathBuf>,
    round: u32,
    digest: Option<String>,
    follower: Option<Follower>,
    /// Address at which other commands reach this runtime.
    url: String,
    json: bool,
    waiting: Option<Waiting>,
}

/// A version that has not handled any event yet.
struct Waiting {
    activation: ActivationId,
    edited: SystemTime,
    took: String,
}

/// Starts logging.
pub fn log() -> Result<(), Failure> {
    let filter = EnvFilter::new(LOGGED);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).without_time();
    let log = log.fmt_fields(log_line::fields()).with_ansi(terminal::stderr_has_colors());
    log.with_target(false).try_init().map_err(Failure::internal)
}

impl Session {
    /// Starts the runtime, with an empty log next to the component.
    pub async fn start(arguments: &Arguments, component: &Component, json: bool) -> Result<Self, Failure> {
        let folder = component.path.with_file_name(format!("dev-{}", component.name));
        fresh(&folder).map_err(|error| Failure::write(folder.display(), &error))?;
        let config = Config {
            data: folder.join("data"),
            plugins: folder.join("plugins"),
            listen: arguments.listen,
            compiler: compile::own_program(),
            compile_on_all_cores: true,
            functions_dir: cache::folder(),
            ..Config::default()
        };
        let signals = Signals::listen().map_err(Failure::internal)?;
        let server = Server::bind(config.listen, config.limits.max_connections)?;
        let (settings, address, closing) = (ApiSettings::from(&config), server.address(), server.closing());
        let runtime = Runtime::open(config).await?;
        let (stop, mut stopping) = watch::channel(false);
        let stopping = async move { drop(stopping.wait_for(|stopping| *stopping).await) };
        let router = camshaft_server::router(runtime.clone(), settings, closing);
        let served = tokio::spawn(server.serve(router, stopping, DRAIN));
        anstream::eprintln!("listening on http://{address}");
        Ok(Self {
            runtime,
            signals,
            stop,
            served,
            file: folder.join(format!("{}.wasm", component.name)),
            operator: arguments.operator.clone(),
            samples: arguments.events.clone(),
            round: 0,
            digest: None,
            follower: None,
            url: format!("http://{address}"),
            json,
            waiting: None,
        })
    }

    /// Runs until a stop signal arrives.
    pub async fn run(mut self, first: Built, mut builds: mpsc::Receiver<Built>) -> Result<(), Failure> {
        self.take(&first).await;
        let mut seen = Sequence(0);
        loop {
            tokio::select! {
                () = self.signals.next() => break,
                Some(built) = builds.recv() => self.take(&built).await,
                stretch = self.runtime.stretch_after(seen) => match stretch.map_err(Failure::internal)? {
                    Some(stretch) => {
                        seen = stretch.last;
                        self.show(&stretch)?;
                    }
                    None => return Err(Failure::internal("the runtime stopped unexpectedly")),
                },
            }
        }
        self.stop.send_replace(true);
        self.runtime.shutdown().await;
        self.served.await.map_err(Failure::internal)?.map_err(Failure::internal)
    }

    /// Activates a version and sends the samples. Reports errors; after an error the previous version keeps
    /// running.
    async fn take(&mut self, built: &Built) {
        if let Err(failure) = self.load(built).await {
            failure.say();
            return;
        }
        if let Err(failure) = self.feed().await {
            failure.say();
        }
    }

    async fn load(&mut self, built: &Built) -> Result<(), Failure> {
        let started = Instant::now();
        install(&built.component.path, &self.file, self.operator.as_deref())?;
        let plugin = self.runtime.load_plugin(&self.file).await?;
        let took = format!(
            "built in {:.1} s, loaded in {:.1} s",
            built.took.as_secs_f64(),
            started.elapsed().as_secs_f64()
        );
        let version = plugin.version.as_deref().unwrap_or_default();
        let (name, version) = (text::line(&plugin.name), text::line(version));
        if plugin.digest == self.digest {
            anstream::eprintln!("{name} {version} is unchanged: {took}");
        } else {
            anstream::eprintln!("{name} {version} is running: {took}");
        }
        self.digest = plugin.digest;
        if self.follower.is_some() {
            self.begin_anew(&plugin.name).await?;
        }
        let url = self.url.clone();
        self.follower.get_or_insert_with(|| Follower::new(plugin.name, url, self.json));
        let activation = ActivationId(plugin.activation.unwrap_or_default());
        self.waiting = built.edited.map(|edited| Waiting { activation, edited, took });
        Ok(())
    }

    /// Releases events that failed on the previous version. With samples they are dropped, so that the
    /// samples, which are sent again, do not wait behind them. Without samples they are retried, since they
    /// were sent by hand.
    async fn begin_anew(&self, name: &str) -> Result<(), Failure> {
        if self.samples.is_some() {
            let request = ResetRequest { to: ResetPlace::Latest, keep_state: true };
            let reset = self.runtime.reset_consumer(name, request).await;
            return reset.map(|_| ()).map_err(|error| Failure::new(error.code(), error.to_string()));
        }
        let request = RedriveRequest {
            consumer: name.to_owned(),
            event_type: None,
            reason: None,
            since: None,
            until: None,
            rate: None,
        };
        let redrive = self.runtime.start_redrive(request).await;
        redrive.map(|_| ()).map_err(|error| Failure::new(error.code(), error.to_string()))
    }

    /// Publishes the samples, if there are any.
    async fn feed(&mut self) -> Result<(), Failure> {
        let Some(file) = &self.samples else { return Ok(()) };
        self.round += 1;
        for event in samples::read(file, self.round)? {
            self.runtime
                .publish(event)
                .await
                .map_err(|error| Failure::new(error.code(), error.to_string()))?;
        }
        Ok(())
    }

    fn show(&mut self, stretch: &Stretch) -> Result<(), Failure> {
        let Some(follower) = &mut self.follower else { return Ok(()) };
        for (offset, event) in &stretch.events {
            follower.note(*offset, event);
        }
        for handled in &stretch.handled {
            let Some(activation) = follower.show(handled)? else { continue };
            if let Some(waiting) = self.waiting.take_if(|waiting| activation >= waiting.activation) {
                let edit_to_effect = waiting.edited.elapsed().unwrap_or_default();
                anstream::eprintln!(
                    "edit to effect: {:.1} s, {}",
                    edit_to_effect.as_secs_f64(),
                    waiting.took
                );
            }
        }
        Ok(())
    }
}

/// Creates an empty folder, deleting its previous content.
fn fresh(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(folder),
    }
}

/// Copies the component and its operator's file to the path that they are loaded from.
fn install(component: &Path, file: &Path, operator: Option<&Path>) -> Result<(), Failure> {
    fs::copy(component, file).map_err(|error| Failure::read(component.display(), &error))?;
    let text = operator.map_or(Ok(String::new()), fs::read_to_string);
    let text = text.map_err(|error| Failure::read(operator.unwrap_or(file).display(), &error))?;
    let to = file.with_extension("toml");
    fs::write(&to, without_probation(&text)).map_err(|error| Failure::write(to.display(), &error))
}

/// The operator's file, changed so that every version is accepted without probation: `dev` exists to try
/// versions that may fail. Invalid TOML is returned unchanged, so that the loader reports it.
fn without_probation(text: &str) -> String {
    let Ok(mut table) = text.parse::<toml::Table>() else { return text.to_owned() };
    let policy = table.entry("policy").or_insert_with(|| toml::Table::new().into());
    if let Some(policy) = policy.as_table_mut() {
        policy.entry("probation_threshold").or_insert(1.into());
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::without_probation;

    #[test]
    fn a_version_under_development_is_never_taken_back() {
        assert_eq!(without_probation(""), "[policy]\nprobation_threshold = 1\n");
        let own = "[policy]\nmax_attempts = 2\nprobation_threshold = 0.5\n";
        assert_eq!(without_probation(own), own);
        assert_eq!(without_probation("[policy"), "[policy");
    }
}
