//! A runtime in a folder, with the guest `sends` and an outbox that the test gives.

use std::fs;
use std::path::Path;
use std::time::Duration;

use camshaft::{Config, Event, Outbox, Runtime};

/// How long anything may take that only the runtime decides.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn config(folder: &Path) -> Config {
    Config {
        data: folder.join("data"),
        plugins: folder.join("plugins"),
        workers: Some(1),
        ..Config::default()
    }
}

/// Drops the guest in, with `policy` in its operator's file.
pub fn drop_in(folder: &Path, grant: &str, policy: &str) {
    let plugins = folder.join("plugins");
    fs::create_dir_all(&plugins).unwrap();
    fs::write(plugins.join("sends.toml"), format!("{grant}\n[policy]\n{policy}\n")).unwrap();
    fs::copy(camshaft_test_guests::component("sends"), plugins.join(".sends.partial")).unwrap();
    fs::rename(plugins.join(".sends.partial"), plugins.join("sends.wasm")).unwrap();
}

pub async fn open(folder: &Path, outbox: Outbox) -> Runtime {
    Runtime::open_with_outbox(config(folder), outbox).await.unwrap()
}

pub fn event(id: &str, key: &str) -> Event {
    Event {
        id: id.into(),
        source: "/test".into(),
        event_type: "test.event".into(),
        partitionkey: Some(key.into()),
        data: id.as_bytes().to_vec(),
        ..Event::default()
    }
}

pub async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("in vain: {what}"));
}

/// Waits until the consumer has nothing left to do.
pub async fn until_handled(runtime: &Runtime, consumer: &str) {
    until("it is handled", async || {
        let Some(view) = runtime.consumer(consumer).await.unwrap() else { return false };
        view.lag == 0 && view.in_flight == 0 && view.retrying == 0
    })
    .await;
}
