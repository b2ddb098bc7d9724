//! The producers: each publishes the events of its keys in order, again and again until it is answered.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};

const PRODUCERS: usize = 4;
const KEYS_EACH: usize = 4;
/// Events of each key in one request.
const EVENTS_AT_ONCE: u64 = 3;
/// How long a producer waits before it repeats itself.
const PATIENCE: Duration = Duration::from_millis(15);

/// How many events of each key were answered: 1 up to this number.
pub(super) struct Promised(pub(super) BTreeMap<String, u64>);

pub(super) struct Producers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<BTreeMap<String, u64>>>,
}

struct Shared {
    url: Mutex<String>,
    stopping: AtomicBool,
    /// Requests that were answered 507.
    refused: AtomicU64,
    answered: AtomicU64,
    /// Bytes beside what an event says.
    padding: usize,
}

impl Producers {
    /// Starts them; each event carries so much padding.
    pub(super) fn start(url: &str, padding: usize) -> Self {
        let shared = Arc::new(Shared {
            url: Mutex::new(url.to_owned()),
            stopping: AtomicBool::new(false),
            refused: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            padding,
        });
        let threads = (0..PRODUCERS)
            .map(|number| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.produce(number))
            })
            .collect();
        Self { shared, threads }
    }

    /// Tells them where the runtime listens now.
    pub(super) fn go_on_at(&self, url: &str) {
        url.clone_into(&mut self.shared.url.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Requests that were refused for a full disk so far.
    pub(super) fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::Relaxed)
    }

    /// Requests that were answered so far.
    pub(super) fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// Lets each finish what it has begun.
    pub(super) fn finish(self) -> Result<Promised> {
        self.shared.stopping.store(true, Ordering::Relaxed);
        let mut promised = BTreeMap::new();
        for thread in self.threads {
            promised.extend(thread.join().map_err(|_| anyhow!("a producer panicked"))?);
        }
        Ok(Promised(promised))
    }
}

impl Promised {
    pub(super) fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

impl Shared {
    fn produce(&self, number: usize) -> BTreeMap<String, u64> {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build();
        let agent: ureq::Agent = config.new_agent();
        let mut answered: BTreeMap<String, u64> =
            (0..KEYS_EACH).map(|key| (format!("p{number}-k{key}"), 0)).collect();
        while !self.stopping.load(Ordering::Relaxed) {
            let batch: Vec<Value> = answered.iter().flat_map(|(key, last)| self.events(key, *last)).collect();
            while !self.publish(&agent, &batch) {
                thread::sleep(PATIENCE);
            }
            answered.values_mut().for_each(|last| *last += EVENTS_AT_ONCE);
        }
        answered
    }

    /// The next events of a key.
    fn events(&self, key: &str, last: u64) -> impl Iterator<Item = Value> {
        let (key, padding) = (key.to_owned(), "x".repeat(self.padding));
        (last + 1..=last + EVENTS_AT_ONCE).map(move |number| {
            json!({
                "specversion": "1.0", "type": "torture.happened", "source": "/torture",
                "id": format!("{key}-{number}"), "partitionkey": key,
                "datacontenttype": "application/json",
                "data": { "key": key, "number": number, "padding": padding },
            })
        })
    }

    /// Whether the runtime promised to handle all of it.
    fn publish(&self, agent: &ureq::Agent, batch: &[Value]) -> bool {
        let url = self.url.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let request = agent.post(format!("{url}/events")).content_type("application/cloudevents-batch+json");
        let Ok(body) = serde_json::to_vec(batch) else { return false };
        let Ok(answer) = request.send(&body[..]) else { return false };
        if answer.status().as_u16() == 507 {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        let is_answered = answer.status().is_success();
        self.answered.fetch_add(u64::from(is_answered), Ordering::Relaxed);
        is_answered
    }
}
