//! The HTTP interface over a runtime without plugins: every content mode, every refusal, every guard.

use std::{ops::AsyncFnOnce, path::Path, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use camshaft::RuntimeLimits;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

use super::*;

mod bodies;
mod commands;
mod consumers;
mod cursors;
mod deliveries;
mod description;
mod guarding;
mod held_events;
mod operating;
mod publishing;
mod reading;
mod redriving;
mod scopes;

/// Maximum wait for an expected condition; only a failing test reaches it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A runtime in its own folder, with its routes.
struct Fixture {
    router: Router,
    runtime: Runtime,
    closing: watch::Sender<bool>,
}

/// A response with its complete body.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// Runs `test` over a fresh runtime and shuts it down afterwards.
async fn with_api(settings: impl FnOnce(&mut Config), test: impl AsyncFnOnce(&Fixture)) {
    let folder = tempfile::tempdir().unwrap();
    with_api_in(folder.path(), settings, test).await;
}

/// Like [`with_api`], with the directories of the runtime in `folder`.
async fn with_api_in(folder: &Path, settings: impl FnOnce(&mut Config), test: impl AsyncFnOnce(&Fixture)) {
    let mut config =
        Config { data: folder.join("data"), plugins: folder.join("plugins"), ..Config::default() };
    settings(&mut config);
    let api_settings = ApiSettings::from(&config);
    let runtime = Runtime::open(config).await.unwrap();
    let closing = watch::channel(false).0;
    let router = router(runtime.clone(), api_settings, closing.subscribe());
    let fixture = Fixture { router, runtime, closing };
    test(&fixture).await;
    fixture.runtime.shutdown().await;
}

impl Fixture {
    async fn send(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn ask(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.send(request).await.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(request("GET", path).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, content_type: &str, body: impl Into<Body>) -> Answer {
        let request = request("POST", "/events").header(header::CONTENT_TYPE, content_type);
        self.ask(request.body(body.into()).unwrap()).await
    }

    async fn publish(&self, events: Value) -> Answer {
        self.post(camshaft::cloudevents::BATCH_MEDIA_TYPE, events.to_string()).await
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    /// Checks that the response is a problem document with `code` and the right status, and returns it.
    #[track_caller]
    fn problem(&self, code: &str) -> Value {
        let document = self.json();
        assert_eq!(document["type"], format!("urn:camshaft:error:{code}"), "{document}");
        assert_eq!(self.headers[header::CONTENT_TYPE], camshaft_wire::PROBLEM_MEDIA_TYPE);
        assert_eq!(document["status"], self.status.as_u16());
        for member in ["title", "detail", "hint"] {
            assert!(document[member].as_str().is_some_and(|text| !text.is_empty()), "{document}");
        }
        document
    }
}

/// A request from a program on this machine.
fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1:4077")
}

fn event(id: impl ToString, event_type: &str) -> Value {
    json!({"specversion": "1.0", "id": id.to_string(), "source": "/shop", "type": event_type, "data": {"n": 1}})
}

fn events(count: usize) -> Value {
    (0..count).map(|id| event(id, "order.placed")).collect()
}

fn small_limits(config: &mut Config) {
    config.limits = RuntimeLimits {
        max_event_bytes: 1_000,
        max_transaction_bytes: 4_000,
        max_request_bytes: 8_000,
        ..RuntimeLimits::default()
    };
}
