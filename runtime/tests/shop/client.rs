//! The HTTP interface as the test uses it: to publish, to wait, to read.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::server::PLUGINS;

/// How long anything may take that only the runtime's work decides: long enough for a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

const LOOK: Duration = Duration::from_millis(20);

#[derive(Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    url: String,
}

impl Client {
    pub(crate) fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        Self { agent: config.new_agent(), url: url.to_owned() }
    }

    /// A batch, published as one transaction: whether each event was known before. Without an answer, why.
    pub(crate) fn publish(&self, events: &[Value]) -> Result<Vec<bool>, ureq::Error> {
        let request = self.agent.post(format!("{}/events", self.url));
        let request = request.content_type("application/cloudevents-batch+json");
        let mut answer = request.send(&serde_json::to_vec(events).unwrap()[..])?;
        let status = answer.status();
        let body: Value = answer.body_mut().read_json()?;
        assert!(status.is_success(), "{status} {body}");
        let results = body["results"].as_array().unwrap();
        assert_eq!(results.len(), events.len());
        Ok(results.iter().map(|result| result["duplicate"] == true).collect())
    }

    /// Waits until every consumer of the shop has handled the whole log. None may have failed for good.
    pub(crate) fn wait_until_handled(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let consumers = self.get("/consumers");
            let items = consumers["items"].as_array().unwrap();
            let names: Vec<&str> = items.iter().map(|view| view["name"].as_str().unwrap()).collect();
            assert!(items.iter().all(|view| view["dead"] == 0), "there are dead letters: {consumers}");
            let idle =
                |view: &Value| ["lag", "in_flight", "retrying", "held"].iter().all(|count| view[count] == 0);
            if names == PLUGINS && items.iter().all(idle) {
                return;
            }
            assert!(Instant::now() < deadline, "waited {PATIENCE:?} for the consumers: {consumers}");
            thread::sleep(LOOK);
        }
    }

    /// All that a plugin keeps.
    pub(crate) fn state(&self, plugin: &str) -> BTreeMap<String, Value> {
        let mut state = BTreeMap::new();
        let mut path = format!("/state/{plugin}?limit=1000");
        loop {
            let page = self.get(&path);
            for item in page["items"].as_array().unwrap() {
                state.insert(item["key"].as_str().unwrap().to_owned(), item["value"].clone());
            }
            let Some(next) = page["next"].as_str() else { return state };
            path = format!("/state/{plugin}?limit=1000&cursor={next}");
        }
    }

    /// All events, in the log's order.
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = self.read("/events?limit=100000");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn get(&self, path: &str) -> Value {
        serde_json::from_str(&self.read(path)).unwrap()
    }

    fn read(&self, path: &str) -> String {
        let mut answer = self.agent.get(format!("{}{path}", self.url)).call().unwrap();
        let status = answer.status();
        let text = answer.body_mut().with_config().limit(1 << 30).read_to_string().unwrap();
        assert!(status.is_success(), "GET {path}: {status} {text}");
        text
    }
}
