//! Hostile plugins beside the honest one: they may harm only themselves.
//!
//! A spinner, a reader that never stops, a flood of denied requests, and files that cost a host without
//! bounds its memory. Each lies in the plugins directory from the start; their events come all the time. The
//! honest plugin's ledger must hold all the same, and the hostile ones must be seen to have done their worst.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use camshaft_guest_build::Component;
use serde_json::{Value, json};

use crate::client::Client;
use crate::command;

/// Test guests that handle `test.event` badly, and what their operator's file grants.
const GUESTS: [(&str, &str); 3] = [
    ("loops-forever", ""),
    ("hoards-reads", ""),
    ("floods-denied", "grants = [\"http\"]\n[[http]]\nhost = \"hooks.example.com\"\nmethods = [\"POST\"]\n"),
];

/// A short deadline: after a kill each event that was in flight runs alone, and all others wait for it.
const OPERATOR: &str = "
[policy]
max_attempts = 2
backoff = { base = \"10ms\", max = \"20ms\" }
after_dead_letter = \"continue\"
[limits]
deadline = \"150ms\"
";

/// Between two events for the hostile plugins.
const PAUSE: Duration = Duration::from_millis(200);

/// How long the bombs may take until each is refused, and the plugins until each has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// Publishes events for the hostile plugins until it is told to stop.
pub(super) struct Hostile {
    url: Arc<Mutex<String>>,
    stopping: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// What the hostile plugins came to.
pub(super) struct Harm {
    pub(super) refused_bombs: usize,
    pub(super) dead_letters: usize,
}

/// Puts the hostile plugins and the bombs into the plugins directory; how many bombs there are.
pub(super) fn put(plugins: &Path, built: &[Component]) -> Result<usize> {
    for (name, grants) in GUESTS {
        let component = built.iter().find(|component| component.name == name);
        let component = component.with_context(|| format!("the guest {name} was not built"))?;
        fs::write(plugins.join(format!("{name}.toml")), format!("{grants}{OPERATOR}"))?;
        fs::copy(&component.path, plugins.join(format!("{name}.wasm")))?;
    }
    let mut bombs = Command::new(command::program("write-bombs")?);
    bombs.arg(plugins);
    command::run(bombs)?;
    let files = fs::read_dir(plugins)?.collect::<Result<Vec<_>, _>>()?;
    Ok(files.iter().filter(|file| file.file_name().to_string_lossy().starts_with("bomb-")).count())
}

impl Hostile {
    pub(super) fn start(url: &str) -> Self {
        let (url, stopping) = (Arc::new(Mutex::new(url.to_owned())), Arc::new(AtomicBool::new(false)));
        let publishing = (Arc::clone(&url), Arc::clone(&stopping));
        let thread = thread::spawn(move || publish(&publishing.0, &publishing.1));
        Self { url, stopping, thread }
    }

    /// Where the runtime listens now.
    pub(super) fn go_on_at(&self, url: &str) {
        url.clone_into(&mut self.url.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn finish(self) -> Result<()> {
        self.stopping.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the publisher for hostile plugins panicked"))
    }
}

/// Waits until every bomb is refused and every hostile plugin has failed on its own, which it does sooner or
/// later.
pub(super) fn check(client: &Client, bombs: usize) -> Result<Harm> {
    let started = Instant::now();
    loop {
        let refused_bombs = refused_bombs(&client.get("/plugins")?);
        let letters = GUESTS.map(|(name, _)| client.dead_letters(name).map(|letters| letters.len()));
        let letters = letters.into_iter().collect::<Result<Vec<_>>>()?;
        if refused_bombs == bombs && letters.iter().all(|count| *count > 0) {
            return Ok(Harm { refused_bombs, dead_letters: letters.iter().sum() });
        }
        if started.elapsed() > PATIENCE {
            bail!(
                "after {PATIENCE:?} {refused_bombs} of {bombs} bombs are refused, and the hostile plugins have {letters:?} dead letters"
            );
        }
        thread::sleep(PAUSE);
    }
}

/// How many of the bombs' files the runtime has refused.
fn refused_bombs(plugins: &Value) -> usize {
    let items = plugins["items"].as_array().into_iter().flatten();
    let is_bomb = |item: &&Value| item["file"].as_str().is_some_and(|file| file.contains("bomb-"));
    items.filter(is_bomb).filter(|item| !item["last_refusal"].is_null()).count()
}

fn publish(url: &Mutex<String>, stopping: &AtomicBool) {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build();
    let agent: ureq::Agent = config.new_agent();
    let mut number = 0_u64;
    while !stopping.load(Ordering::Relaxed) {
        let event = json!({
            "specversion": "1.0", "type": "test.event", "source": "/hostile", "id": number.to_string(),
        });
        let url = url.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let request = agent.post(format!("{url}/events")).content_type("application/cloudevents+json");
        // It may be killed just now: the event is published again.
        if request.send(event.to_string()).is_ok_and(|answer| answer.status().is_success()) {
            number += 1;
        }
        thread::sleep(PAUSE);
    }
}
