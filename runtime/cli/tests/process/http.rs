//! The HTTP client of these tests. It returns every response, whatever its status.

use std::time::Duration;

use serde_json::{Value, json};

/// Time limit for a response.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Clone)]
pub struct Http {
    agent: ureq::Agent,
    url: String,
}

/// A complete response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub retry_after: Option<u64>,
    pub body: String,
}

impl Http {
    pub fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let config = config.timeout_global(Some(PATIENCE)).build();
        Self { agent: config.new_agent(), url: url.to_owned() }
    }

    pub fn get(&self, path: &str) -> Answer {
        Answer::of(self.agent.get(format!("{}{path}", self.url)).call().unwrap())
    }

    pub fn delete(&self, path: &str) -> Answer {
        Answer::of(self.agent.delete(format!("{}{path}", self.url)).call().unwrap())
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.agent.post(format!("{}{path}", self.url)).content_type("application/json");
        Answer::of(request.send(&serde_json::to_vec(body).unwrap()[..]).unwrap())
    }

    /// Publishes a batch.
    pub fn publish(&self, events: &[Value]) -> Answer {
        let request = self.agent.post(format!("{}/events", self.url));
        let request = request.content_type("application/cloudevents-batch+json");
        Answer::of(request.send(&serde_json::to_vec(events).unwrap()[..]).unwrap())
    }

    /// The items of a listing.
    pub fn items(&self, path: &str) -> Vec<Value> {
        self.get(path).json()["items"].as_array().unwrap().clone()
    }
}

impl Answer {
    fn of(mut response: http::Response<ureq::Body>) -> Self {
        let header = |name: &str| Some(response.headers().get(name)?.to_str().unwrap().to_owned());
        let content_type = header("content-type").unwrap_or_default();
        let retry_after = header("retry-after").map(|seconds| seconds.parse().unwrap());
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(1 << 30).read_to_string().unwrap();
        Self { status, content_type, retry_after, body }
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks that it is the problem document of `code` with `status`, and returns it.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(
            (self.status, self.content_type.as_str()),
            (status, "application/problem+json"),
            "{self:?}"
        );
        let document = self.json();
        assert_eq!(document["type"], format!("urn:camshaft:error:{code}"), "{self:?}");
        assert_eq!(document["status"], status, "{self:?}");
        document
    }
}

/// An event of type `test.event` with `bytes` bytes of data.
pub fn event(id: u64, bytes: usize) -> Value {
    json!({"specversion": "1.0", "id": id.to_string(), "source": "/test", "type": "test.event", "data": "x".repeat(bytes)})
}
