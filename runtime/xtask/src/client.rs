//! The other side of the HTTP interface: what the demo and the torture ask of the runtime.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// How long anything may take that only the runtime's work decides.
const PATIENCE: Duration = Duration::from_secs(120);

const LOOK: Duration = Duration::from_millis(20);

pub(crate) struct Client {
    agent: ureq::Agent,
    url: String,
}

impl Client {
    pub(crate) fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        Self { agent: config.new_agent(), url: url.to_owned() }
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        let mut answer = self.agent.get(format!("{}{path}", self.url)).call()?;
        let status = answer.status();
        let body: Value = answer.body_mut().read_json().with_context(|| format!("GET {path}"))?;
        if !status.is_success() {
            bail!("GET {path}: {status} {body}");
        }
        Ok(body)
    }

    /// All events of a type, in the log's order.
    pub(crate) fn events(&self, event_type: &str) -> Result<Vec<Value>> {
        let path = format!("/events?type={event_type}&limit=100000");
        let mut answer = self.agent.get(format!("{}{path}", self.url)).call()?;
        let text = answer.body_mut().with_config().limit(1 << 30).read_to_string()?;
        text.lines().map(|line| serde_json::from_str(line).with_context(|| format!("GET {path}"))).collect()
    }

    /// Publishes a batch as one transaction; whether each event was a duplicate.
    pub(crate) fn publish(&self, events: &[&Value]) -> Result<Vec<bool>> {
        let request = self.agent.post(format!("{}/events", self.url));
        let body = serde_json::to_vec(events)?;
        let mut answer = request.content_type("application/cloudevents-batch+json").send(&body[..])?;
        let status = answer.status();
        let body: Value = answer.body_mut().read_json()?;
        if !status.is_success() {
            bail!("publishing {} events: {status} {body}", events.len());
        }
        let results = body["results"].as_array().context("the answer has no results")?;
        if results.len() != events.len() {
            bail!("{} events were published, {} answered", events.len(), results.len());
        }
        Ok(results.iter().map(|result| result["duplicate"] == true).collect())
    }

    fn post(&self, path: &str) -> Result<()> {
        let answer = self.agent.post(format!("{}{path}", self.url)).send_empty()?;
        if !answer.status().is_success() {
            bail!("POST {path}: {}", answer.status());
        }
        Ok(())
    }

    pub(crate) fn wait_for_plugin(&self, name: &str, version: &str) -> Result<()> {
        self.wait(&format!("plugin {name} {version} to run"), || {
            let plugins = self.get("/plugins")?;
            let mut items = plugins["items"].as_array().into_iter().flatten();
            Ok(items.any(|plugin| {
                plugin["name"] == name && plugin["version"] == version && plugin["status"] == "active"
            }))
        })
    }

    /// Waits until a consumer has seen the whole log and waits for nothing but dead letters.
    pub(crate) fn wait_until_handled(&self, consumer: &str) -> Result<()> {
        self.wait(&format!("consumer {consumer} to keep up"), || {
            let view = self.get(&format!("/consumers/{consumer}"))?;
            Ok(["lag", "in_flight", "retrying"].iter().all(|count| view[count] == 0))
        })
    }

    pub(crate) fn dead_letters(&self, consumer: &str) -> Result<Vec<Value>> {
        let page = self.get(&format!("/dead-letters?consumer={consumer}&limit=1000"))?;
        page["items"].as_array().cloned().context("the listing has no items")
    }

    /// Redrives all dead letters of a consumer and waits until they are handled; how many there were.
    pub(crate) fn redrive_all(&self, consumer: &str) -> Result<usize> {
        let letters = self.dead_letters(consumer)?;
        for letter in &letters {
            self.post(&format!("/dead-letters/{consumer}/{}/redrive", letter["offset"]))?;
        }
        self.wait(&format!("the dead letters of {consumer} to be handled"), || {
            let view = self.get(&format!("/consumers/{consumer}"))?;
            Ok(["held", "dead", "retrying", "in_flight"].iter().all(|count| view[count] == 0))
        })?;
        Ok(letters.len())
    }

    pub(crate) fn discard(&self, consumer: &str, offset: &Value) -> Result<()> {
        self.post(&format!("/dead-letters/{consumer}/{offset}/discard"))
    }

    pub(crate) fn wait_for_none_held(&self, consumer: &str) -> Result<()> {
        self.wait(&format!("what {consumer} holds to drain"), || {
            let view = self.get(&format!("/consumers/{consumer}"))?;
            Ok(view["held"] == 0 && view["in_flight"] == 0)
        })
    }

    pub(crate) fn tail(&self) -> Result<u64> {
        self.get("/health")?["tail"].as_u64().context("/health has no tail")
    }

    fn wait(&self, what: &str, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !done()? {
            if Instant::now() > deadline {
                bail!("waited {PATIENCE:?} for {what}: {}", self.get("/consumers")?);
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }
}
