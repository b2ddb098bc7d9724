//! The HTTP client of the test: publishes, waits and reads.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::server::PLUGINS;

/// Time limit for steps whose duration only the runtime determines, long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

const LOOK: Duration = Duration::from_millis(20);

#[derive(Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    url: String,
}

impl Client {
    pub(crate) fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let config = config.timeout_global(Some(PATIENCE)).build();
        Self { agent: config.new_agent(), url: url.to_owned() }
    }

    /// Publishes a batch as one transaction. Returns whether each event was a duplicate, or the error if
    /// there was no answer.
    pub(crate) fn publish(&self, events: &[Value]) -> Result<Vec<bool>, ureq::Error> {
        let request = self.agent.post(format!("{}/events", self.url));
        let request = request.content_type("application/cloudevents-batch+json");
        let mut answer = request.send(&serde_json::to_vec(events).unwrap()[..])?;
        let (status, body) = (answer.status(), answer.body_mut().read_to_string()?);
        assert!(status.is_success(), "{status} {body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        let results = body["results"].as_array().unwrap();
        assert_eq!(results.len(), events.len());
        Ok(results.iter().map(|result| result["duplicate"] == true).collect())
    }

    /// Waits until all plugins of the shop handle events.
    pub(crate) fn wait_for_plugins(&self) {
        self.wait("/plugins", |plugins| plugins.iter().all(|plugin| plugin["status"] == "active"));
    }

    /// Waits until every consumer of the shop has handled the whole log. None may have failed for good.
    pub(crate) fn wait_until_handled(&self) {
        self.wait("/consumers", |consumers| {
            assert!(consumers.iter().all(|view| view["dead"] == 0), "there are dead letters: {consumers:?}");
            consumers
                .iter()
                .all(|view| ["lag", "in_flight", "retrying", "held"].iter().all(|count| view[count] == 0))
        });
    }

    /// Waits until a listing has one item per plugin of the shop, and `done` accepts them.
    fn wait(&self, listing: &str, done: impl Fn(&[Value]) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.get(listing);
            let items = answer["items"].as_array().unwrap();
            if items.iter().map(|item| &item["name"]).eq(&PLUGINS) && done(items) {
                return;
            }
            assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {listing}: {answer}");
            thread::sleep(LOOK);
        }
    }

    /// The whole state of a plugin.
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

    /// All events, in the order of the log.
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = self.read("/events?limit=100000");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Events of a type from the start of the log, and new ones.
    pub(crate) fn follow(&self, event_type: &str) -> impl Iterator<Item = String> + use<> {
        let path = format!("/events?type={event_type}&follow=true");
        let answer = self.agent.get(format!("{}{path}", self.url)).call().unwrap();
        assert!(answer.status().is_success(), "GET {path}: {}", answer.status());
        BufReader::new(answer.into_body().into_reader()).lines().map_while(Result::ok)
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
