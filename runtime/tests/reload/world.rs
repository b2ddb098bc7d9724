//! A runtime in a folder of its own, versions of one plugin, and a gate before the compiler.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use camshaft::view::PluginView;
use camshaft::{Config, Event, Offset, Runtime};
use serde_json::{Value, json};

/// How long anything may take that only the runtime decides.
const PATIENCE: Duration = Duration::from_secs(60);

/// The name of the plugin of which there are versions.
pub const NAME: &str = "reloads";

pub struct World {
    pub runtime: Runtime,
    pub gate: Arc<Gate>,
    folder: tempfile::TempDir,
}

/// Holds one compile open.
#[derive(Default)]
pub struct Gate {
    state: Mutex<GateState>,
    /// How often it was opened.
    openings: AtomicU64,
    changed: Condvar,
    loads: AtomicUsize,
}

#[derive(Default, PartialEq, Eq)]
enum GateState {
    #[default]
    Open,
    /// The next one will be held.
    Closed,
    /// One is held; others pass.
    Holding,
}

/// What a version noted about one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noted {
    pub number: u64,
    pub version: u64,
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let gate = Arc::new(Gate::default());
        let runtime = open(&folder, &gate).await;
        Self { runtime, gate, folder }
    }

    /// Stops the runtime and starts it again over the same folder.
    pub async fn restart(self) -> Self {
        self.stopped(|_| ()).await
    }

    /// The same, with something done to the plugins directory in between.
    pub async fn stopped(self, act: impl FnOnce(&Path)) -> Self {
        let Self { runtime, gate, folder } = self;
        runtime.shutdown().await;
        act(&folder.path().join("plugins"));
        let runtime = open(&folder, &gate).await;
        Self { runtime, gate, folder }
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join("plugins").join(file)
    }

    /// Puts a file into the directory by renaming it over what is there.
    pub fn drop_in(&self, file: &str, bytes: &[u8]) {
        let partial = self.path(&format!(".{file}.partial"));
        fs::write(&partial, bytes).unwrap();
        fs::rename(partial, self.path(file)).unwrap();
    }

    /// Drops in a version of the plugin, and waits until it runs.
    pub async fn activate(&self, number: u32, behaviour: &str) -> PluginView {
        let before = self.runtime.plugin(NAME).await.unwrap().and_then(|plugin| plugin.activation);
        self.drop_in("reloads.wasm", &camshaft_test_guests::version(number, behaviour));
        self.until_plugin(NAME, |plugin| plugin.activation.is_some() && plugin.activation != before).await
    }

    /// Publishes events number `from` to `to` (excluded), each under the key that its number has among
    /// `keys`.
    pub async fn publish(&self, keys: u64, numbers: std::ops::Range<u64>) {
        let events = numbers.map(|number| event(number % keys, number, false));
        self.runtime.publish_batch(events.collect()).await.unwrap();
    }

    /// Publishes such events, each under a key of its own; every version rejects each tenth.
    pub async fn publish_business(&self, numbers: std::ops::Range<u64>) {
        let events = numbers.map(|number| event(number, number, number % 10 == 0));
        self.runtime.publish_batch(events.collect()).await.unwrap();
    }

    /// Waits until the plugin has handled all there is.
    pub async fn until_handled(&self) {
        self.until(async || {
            let consumer = self.runtime.consumer(NAME).await.unwrap()?;
            (consumer.lag == 0 && consumer.in_flight == 0 && consumer.held == 0).then_some(())
        })
        .await;
    }

    /// What was published by the plugin, per key, in the log's order, once it is `wanted` events or more and
    /// durable.
    pub async fn noted(&self, wanted: usize) -> BTreeMap<String, Vec<Noted>> {
        self.until_handled().await;
        self.until(async || {
            let noted = self.noted_so_far().await;
            (noted.values().map(Vec::len).sum::<usize>() >= wanted).then_some(noted)
        })
        .await
    }

    async fn noted_so_far(&self) -> BTreeMap<String, Vec<Noted>> {
        let mut noted = BTreeMap::<String, Vec<Noted>>::new();
        let mut from = Offset(0);
        loop {
            let events = self.runtime.read(from, 1_000).await.unwrap();
            let Some(last) = events.last() else { return noted };
            from = Offset(last.offset.0 + 1);
            for stored in events.iter().filter(|stored| stored.event.event_type == "test.noted") {
                let data: Value = serde_json::from_slice(&stored.event.data).unwrap();
                let (number, version) = (data["number"].as_u64().unwrap(), data["version"].as_u64().unwrap());
                let key = stored.event.partitionkey.as_ref().unwrap().to_string();
                noted.entry(key).or_default().push(Noted { number, version });
            }
        }
    }

    /// The numbers in the plugin's state under `key`.
    pub async fn numbers(&self, key: &str) -> Vec<u64> {
        let value = self.runtime.state_get(NAME, format!("key/{key}").as_bytes()).await.unwrap().unwrap();
        serde_json::from_value(camshaft::view::state_json(&value)).unwrap()
    }

    /// Waits until the plugin is as `wanted` says.
    pub async fn until_plugin(&self, name: &str, wanted: impl Fn(&PluginView) -> bool) -> PluginView {
        self.until(async || self.runtime.plugin(name).await.unwrap().filter(&wanted)).await
    }

    pub async fn until<T>(&self, look: impl AsyncFn() -> Option<T>) -> T {
        let looking = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, looking).await {
            Ok(found) => found,
            Err(_) => panic!(
                "waited in vain; plugins: {:#?}; consumers: {:#?}",
                self.runtime.plugins().await,
                self.runtime.consumers().await
            ),
        }
    }
}

fn event(key: u64, number: u64, refuse: bool) -> Event {
    Event {
        id: number.to_string(),
        source: "/test".into(),
        event_type: "test.event".into(),
        partitionkey: Some(key.to_string()),
        datacontenttype: Some("application/json".into()),
        data: json!({ "number": number, "refuse": refuse }).to_string().into_bytes(),
        ..Event::default()
    }
}

/// A version's digest, as it is shown.
pub fn digest(bytes: &[u8]) -> String {
    camshaft_host::Source::new(PathBuf::new(), bytes.to_owned(), None).content().digest.clone()
}

impl Gate {
    /// Holds the next compile open.
    pub fn close(&self) {
        *self.state.lock().unwrap() = GateState::Closed;
    }

    /// Waits until one is held.
    pub async fn until_held(self: &Arc<Self>) {
        let gate = Arc::clone(self);
        let wait = move || {
            let state = gate.state.lock().unwrap();
            let held = |state: &mut GateState| *state != GateState::Holding;
            let (_state, waited) = gate.changed.wait_timeout_while(state, PATIENCE, held).unwrap();
            assert!(!waited.timed_out(), "nothing was compiled");
        };
        tokio::task::spawn_blocking(wait).await.unwrap();
    }

    /// Lets it go on.
    pub fn open(&self) {
        let mut state = self.state.lock().unwrap();
        self.openings.fetch_add(1, Ordering::Relaxed);
        *state = GateState::Open;
        drop(state);
        self.changed.notify_all();
    }

    /// How many files were loaded so far.
    pub fn loads(&self) -> usize {
        self.loads.load(Ordering::Relaxed)
    }

    fn pass(&self) {
        self.loads.fetch_add(1, Ordering::Relaxed);
        let mut state = self.state.lock().unwrap();
        if *state != GateState::Closed {
            return;
        }
        let opening = self.openings.load(Ordering::Relaxed);
        *state = GateState::Holding;
        self.changed.notify_all();
        // Whoever closes it again at once holds the next one, not this one. A test that failed opens it no
        // more.
        let is_shut = |_: &mut GateState| self.openings.load(Ordering::Relaxed) == opening;
        drop(self.changed.wait_timeout_while(state, 2 * PATIENCE, is_shut).unwrap());
    }
}

async fn open(folder: &tempfile::TempDir, gate: &Arc<Gate>) -> Runtime {
    let config = Config {
        data: folder.path().join("data"),
        plugins: folder.path().join("plugins"),
        ..Config::default()
    };
    let gate = Arc::clone(gate);
    Runtime::open_with_load_hook(config, move |_: &Path| gate.pass()).await.unwrap()
}
