//! Waits until a runtime runs a plugin's file, refuses it, or lets it wait.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use camshaft_event::Timestamp;
use camshaft_wire::{ErrorCode, PluginStatus, PluginView, PluginsView, WaitingVersionView};
use indicatif::{ProgressBar, ProgressStyle};

use super::Files;
use crate::{
    client::{Client, Refusal, path},
    failure::Failure,
    table::digest,
    terminal,
};

/// Polling interval.
const LOOK: Duration = Duration::from_millis(100);

/// How long the runtime may ignore the file. There is no such limit while it loads the file: compiling an
/// interpreter takes a minute on a busy machine, and the runtime's own limits apply.
const IDLE: Duration = Duration::from_secs(15);

/// How long to wait for a version that another process may still be deploying.
const MAX_WAIT: Duration = Duration::from_mins(5);

/// How long the runtime may take to notice a new file. Until then its answers may be about an earlier file.
const SETTLES: Duration = Duration::from_secs(2);

/// What the runtime reported against a plugin's file before the deployment.
#[derive(Default)]
struct Stood {
    refused_at: Option<Timestamp>,
    /// The digest of the waiting file.
    waiting: Option<String>,
}

impl Stood {
    fn of(plugin: &PluginView) -> Self {
        Self {
            refused_at: plugin.last_refusal.as_ref().map(|refusal| refusal.at),
            waiting: plugin.waiting.as_ref().map(|waiting| waiting.digest.clone()),
        }
    }
}

/// Waits while the runtime reads its log, and returns the state of the directory. There is no limit: a
/// runtime that starts either answers later or ends.
pub fn until_started(client: &Client) -> Result<PluginsView, Failure> {
    loop {
        match client.try_get("/plugins") {
            Ok(plugins) => return Ok(plugins),
            Err(refusal) if is_starting(&refusal) => thread::sleep(LOOK),
            Err(refusal) => return Err(refusal.into_failure()),
        }
    }
}

fn is_starting(refusal: &Refusal) -> bool {
    let Refusal::Problem { document, .. } = refusal else { return false };
    ErrorCode::from_urn(&document.urn) == Some(ErrorCode::Starting)
}

/// Waits until the installed files run. `before` is the state of the directory before the deployment: a
/// refusal that it already shows is not an answer, and a version that already waited is one only if it keeps
/// waiting.
pub fn until_settled(client: &Client, files: &Files, before: &PluginsView) -> Result<PluginView, Failure> {
    let name = files.plugin();
    let stood = Stood {
        refused_at: refused(before, &name).and_then(|plugin| Stood::of(plugin).refused_at),
        waiting: of_file(before, &name).find_map(|plugin| Stood::of(plugin).waiting),
    };
    let bar = bar(&name);
    let mut idle_since = Instant::now();
    loop {
        let now: PluginsView = client.get("/plugins")?;
        if let Some(outcome) = judge(&now, files, &stood, idle_since.elapsed()) {
            bar.finish_and_clear();
            return outcome;
        }
        if of_file(&now, &name).any(|plugin| plugin.loading) {
            idle_since = Instant::now();
        }
        if idle_since.elapsed() > IDLE {
            let message = format!("the runtime has not loaded \"{name}\" from \"{}\"", now.directory);
            return Err(Failure::new(ErrorCode::NotYet, message)
                .hint("Check the runtime's log. If the runtime is on another machine, pass --send."));
        }
        thread::sleep(LOOK);
    }
}

/// The outcome for the files, once it is final.
fn judge(
    now: &PluginsView,
    files: &Files,
    stood: &Stood,
    idle: Duration,
) -> Option<Result<PluginView, Failure>> {
    let name = files.plugin();
    if let Some(plugin) = refused(now, &name) {
        // Either the refusal from before, or a refusal of these files.
        return (Stood::of(plugin).refused_at != stood.refused_at).then(|| Err(refusal(plugin)));
    }
    for plugin in of_file(now, &name).filter(|plugin| !plugin.loading) {
        let goes_with = files.operator_digest.is_none() || files.operator_digest == plugin.operator_digest;
        if plugin.digest.as_ref() == Some(&files.digest) && goes_with {
            return Some(Ok(plugin.clone()));
        }
        let is_answer = stood.waiting.as_ref() != Some(&files.digest) || idle > SETTLES;
        let waiting = plugin.waiting.as_ref().filter(|waiting| waiting.digest == files.digest && is_answer);
        if let Some(waiting) = waiting {
            return Some(Err(waits(waiting)));
        }
    }
    None
}

/// Waits until a plugin runs this version.
pub fn until_version(client: &Client, name: &str, version: &str) -> Result<PluginView, Failure> {
    let bar = bar(name);
    let end = Instant::now() + MAX_WAIT;
    let (mut stood, mut idle_since) = (None, Instant::now());
    loop {
        let found = match client.try_get::<PluginView>(&path(&["plugins", name])) {
            Ok(plugin) => Some(plugin),
            Err(Refusal::Problem { document, .. }) if document.urn == ErrorCode::PluginNotFound.urn() => None,
            Err(other) => return Err(other.into_failure()),
        };
        if found.as_ref().is_some_and(|plugin| plugin.loading) {
            idle_since = Instant::now();
        }
        let stood = stood.get_or_insert_with(|| found.as_ref().map(Stood::of).unwrap_or_default());
        let idle = idle_since.elapsed();
        let outcome = found.as_ref().and_then(|plugin| judge_version(plugin, version, stood, idle));
        if let Some(outcome) = outcome {
            bar.finish_and_clear();
            return outcome;
        }
        if Instant::now() > end {
            let now = found.map_or_else(
                || format!("plugin \"{name}\" does not exist"),
                |plugin| format!("plugin \"{name}\" runs {}", plugin.version.as_deref().unwrap_or("nothing")),
            );
            let message = format!("timed out waiting for version {version}: {now}");
            return Err(Failure::new(ErrorCode::NotYet, message));
        }
        thread::sleep(LOOK);
    }
}

fn judge_version(
    plugin: &PluginView,
    version: &str,
    stood: &Stood,
    idle: Duration,
) -> Option<Result<PluginView, Failure>> {
    if plugin.loading {
        return None;
    }
    if plugin.version.as_deref() == Some(version) {
        return Some(Ok(plugin.clone()));
    }
    let now = Stood::of(plugin);
    let settled = idle > SETTLES;
    if now.refused_at.is_some() {
        return (settled || now.refused_at != stood.refused_at).then(|| Err(refusal(plugin)));
    }
    let is_answer = settled || now.waiting != stood.waiting;
    let waiting = plugin.waiting.as_ref().filter(|waiting| waiting.version == version && is_answer)?;
    Some(Err(waits(waiting)))
}

/// The failure for a version that waits, with the reason.
fn waits(waiting: &WaitingVersionView) -> Failure {
    let message = format!("version {} waits: {}", waiting.version, waiting.message);
    Failure::new(ErrorCode::VersionUnusable, message).hint(&waiting.hint)
}

/// The plugins whose file has this name.
pub fn of_file<'p>(plugins: &'p PluginsView, name: &'p str) -> impl Iterator<Item = &'p PluginView> {
    plugins.items.iter().filter(move |plugin| is_of(&plugin.file, name))
}

/// The plugin whose file of this name was refused.
fn refused<'p>(plugins: &'p PluginsView, name: &str) -> Option<&'p PluginView> {
    let is_refused =
        |plugin: &&PluginView| plugin.last_refusal.as_ref().is_some_and(|refusal| is_of(&refusal.file, name));
    plugins.items.iter().find(is_refused)
}

/// The failure for a refused file.
fn refusal(plugin: &PluginView) -> Failure {
    let Some(refusal) = &plugin.last_refusal else { return Failure::internal("nothing was refused") };
    let code = ErrorCode::from_text(&refusal.code).unwrap_or(ErrorCode::VersionUnusable);
    let failure = Failure::new(code, &refusal.message).hint(&refusal.hint);
    match &plugin.version {
        Some(version) => {
            failure.detail(format!("Version {version} of plugin \"{}\" keeps running.", plugin.name))
        }
        None => failure,
    }
}

fn is_of(file: &str, name: &str) -> bool {
    Path::new(file).file_name().is_some_and(|file| file == name)
}

/// The running version, in one line.
pub fn runs(plugin: &PluginView) -> String {
    let version = plugin.version.as_deref().unwrap_or_default();
    let status = match (plugin.status, &plugin.probation) {
        (PluginStatus::Active, Some(_)) => "active, on probation",
        (PluginStatus::Active, None) => "active",
        (PluginStatus::Loading, _) => "loading",
        (PluginStatus::Refused, _) => "refused",
    };
    format!("{} {version} is {status}, digest {}", plugin.name, digest(plugin.digest.as_deref()))
}

fn bar(name: &str) -> ProgressBar {
    if !terminal::is_watched() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{spinner}  {msg}  {elapsed}").expect("the template is well-formed");
    let bar = ProgressBar::new_spinner().with_style(style).with_message(format!("loading {name}"));
    bar.enable_steady_tick(LOOK);
    bar
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
    };

    use clap::Parser;
    use serde_json::json;

    use super::*;
    use crate::client::Connection;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        connection: Connection,
    }

    /// A server that gives these answers, one to each connection, and its client.
    fn serve(answers: Vec<(&'static str, serde_json::Value)>) -> (thread::JoinHandle<()>, Client) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = thread::spawn(move || {
            for (status, body) in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let _request = stream.read(&mut [0; 4_096]).unwrap();
                let (body, media_type) = (body.to_string(), "application/problem+json");
                let length = body.len();
                write!(stream, "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: {media_type}\r\n")
                    .unwrap();
                write!(stream, "content-length: {length}\r\n\r\n{body}").unwrap();
            }
        });
        let line = Line::parse_from(["camshaft", "--url", &url]);
        (served, Client::new(&line.connection).unwrap())
    }

    fn problem(code: ErrorCode) -> (&'static str, serde_json::Value) {
        let document = json!({
            "type": code.urn(), "title": "", "status": 503, "detail": "not now", "hint": "",
        });
        ("503 Service Unavailable", document)
    }

    #[test]
    fn a_deployment_waits_while_the_runtime_starts_and_for_nothing_else() {
        let plugins = ("200 OK", json!({"directory": "/srv/plugins", "items": []}));
        let starting = || problem(ErrorCode::Starting);
        let (served, client) = serve(vec![starting(), starting(), plugins]);
        assert_eq!(until_started(&client).unwrap().directory, "/srv/plugins");
        served.join().unwrap();
        let (served, client) = serve(vec![starting(), problem(ErrorCode::ShuttingDown)]);
        assert_eq!(until_started(&client).unwrap_err().code(), ErrorCode::ShuttingDown);
        served.join().unwrap();
    }

    fn plugin(answer: &serde_json::Value) -> PluginView {
        let mut view = json!({
            "name": "stock", "status": "refused", "file": "./plugins/stock.wasm", "subscriptions": [], "publishes": [],
            "capabilities": [], "grants": [],
        });
        view.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
        serde_json::from_value(view).unwrap()
    }

    fn refused(at: &str) -> PluginView {
        plugin(&json!({ "last_refusal": {
            "code": "not-wasm", "message": "it is text", "hint": "Send wasm.", "file": "stock.wasm", "at": at,
        }}))
    }

    fn waiting(digest: &str) -> PluginView {
        plugin(&json!({ "waiting": {
            "digest": digest, "version": "1.3.0", "reason": "pinned", "message": "another one is pinned", "hint": "Unpin it.",
        }}))
    }

    #[test]
    fn what_stood_before_is_no_answer_until_the_runtime_had_time_to_look() {
        let (old, new) = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:09Z");
        for (before, after) in [(refused(old), refused(new)), (waiting("0f"), waiting("aa"))] {
            let stood = Stood::of(&before);
            let judged = |plugin, idle| judge_version(plugin, "1.3.0", &stood, idle).is_some();
            assert!(!judged(&before, Duration::ZERO), "the runtime may not have looked yet");
            assert!(judged(&before, SETTLES + LOOK), "no other answer comes");
            assert!(judged(&after, Duration::ZERO), "the answer changed");
        }
    }

    #[test]
    fn a_file_that_waited_before_waits_still_only_once_the_runtime_had_time_to_look() {
        let files = Files::of("stock", "0f");
        let now =
            PluginsView { items: vec![waiting("0f")], directory: "plugins".into(), warnings: Vec::new() };
        let judged = |stood, idle| judge(&now, &files, &stood, idle).is_some();
        let stood = || Stood { waiting: Some("0f".into()), ..Stood::default() };
        assert!(!judged(stood(), Duration::ZERO));
        assert!(judged(stood(), SETTLES + LOOK));
        assert!(judged(Stood::default(), Duration::ZERO));
    }
}
