//! A runtime in a folder of its own, with the guests under test.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use camshaft::view::{DeadLetterQuery, DeadLetterSummary, PluginView};
use camshaft::{Config, Event, Runtime, cloudevents};

/// How long anything may take that only the runtime decides.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct World {
    pub runtime: Runtime,
    folder: tempfile::TempDir,
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = open(&folder, None).await;
        Self { runtime, folder }
    }

    pub async fn with_workers(workers: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = open(&folder, Some(workers)).await;
        Self { runtime, folder }
    }

    /// A runtime with two workers and one instance for all plugins.
    pub async fn with_one_instance() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(&folder);
        config.workers = Some(2);
        config.limits.max_instances = 1;
        Self { runtime: Runtime::open(config).await.unwrap(), folder }
    }

    /// Stops the runtime and starts it again over the same folder.
    pub async fn restart(self) -> Self {
        let Self { runtime, folder } = self;
        runtime.shutdown().await;
        let runtime = open(&folder, None).await;
        Self { runtime, folder }
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join("plugins").join(file)
    }

    /// Drops a guest into the directory as `stem.wasm`, beside an operator's file if `operator` is not empty.
    pub fn drop_in(&self, guest: &str, stem: &str, operator: &str) {
        if !operator.is_empty() {
            fs::write(self.path(&format!("{stem}.toml")), operator).unwrap();
        }
        self.put(stem, &fs::read(camshaft_test_guests::component(guest)).unwrap());
    }

    /// Puts a component into the directory as `stem.wasm`.
    pub fn put(&self, stem: &str, component: &[u8]) {
        let partial = self.path(&format!(".{stem}.partial"));
        fs::write(&partial, component).unwrap();
        fs::rename(partial, self.path(&format!("{stem}.wasm"))).unwrap();
    }

    pub async fn publish(&self, id: &str, event_type: &str, key: Option<&str>, data: &str) {
        let event = Event {
            id: id.into(),
            source: "/test".into(),
            event_type: event_type.into(),
            partitionkey: key.map(Into::into),
            datacontenttype: Some("application/json".into()),
            data: data.as_bytes().to_vec(),
            ..Event::default()
        };
        assert_eq!(cloudevents::validate(&event), Ok(()));
        self.runtime.publish(event).await.unwrap();
    }

    /// Waits until the plugin is as `wanted` says.
    pub async fn until_plugin(&self, name: &str, wanted: impl Fn(&PluginView) -> bool) -> PluginView {
        self.until(async || self.runtime.plugin(name).await.unwrap().filter(&wanted)).await
    }

    /// Waits until the consumer has a dead letter, and returns the first.
    pub async fn until_dead_letter(&self, consumer: &str) -> DeadLetterSummary {
        let query = || DeadLetterQuery { consumer: Some(consumer.into()), limit: 10, ..Default::default() };
        self.until(async || {
            let page = self.runtime.dead_letters(query()).await.ok()?;
            page.items.into_iter().next()
        })
        .await
    }

    /// Waits until a state value, as JSON, is there.
    pub async fn until_state(&self, plugin: &str, key: &str, wanted: &str) {
        self.until(async || {
            let value = self.runtime.state_get(plugin, key.as_bytes()).await.ok()??;
            let found = camshaft::view::state_json(&value).to_string();
            (found == wanted).then_some(())
        })
        .await;
    }

    pub async fn until<T>(&self, look: impl AsyncFn() -> Option<T>) -> T {
        let looking = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
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

async fn open(folder: &tempfile::TempDir, workers: Option<usize>) -> Runtime {
    Runtime::open(Config { workers, ..config(folder) }).await.unwrap()
}

fn config(folder: &tempfile::TempDir) -> Config {
    Config { data: folder.path().join("data"), plugins: folder.path().join("plugins"), ..Config::default() }
}
