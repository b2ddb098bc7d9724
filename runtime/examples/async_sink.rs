//! A sink sends mail to an outside system. A failure may repeat the request, and an idempotency key makes the
//! repetition harmless.
//!
//! Run it with `cargo run --package camshaft --example async_sink`.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use camshaft::{AttemptContext, Backoff, Config, Delivery, Event, Policy, Runtime, Sink, Subscription};

/// Runs the example.
#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let config = Config {
        data: folder.path().join("data"),
        plugins: folder.path().join("plugins"),
        ..Config::default()
    };
    let runtime = Runtime::open(config).await?;

    let backoff = Backoff { base_ms: 1, max_ms: 10 };
    let subscription = Subscription::types(["order.shipped"])
        .policy(Policy { backoff, ..Policy::default() })
        .sink(Sink { delivery: Delivery::AtLeastOnce, max_in_flight: 4 });
    let server = Arc::new(MailServer::default());
    let client = Arc::clone(&server);
    runtime
        .subscribe_async("mailer", subscription, move |event, attempt| {
            let client = Arc::clone(&client);
            Box::pin(async move {
                // The source and the id of an event are unique and do not change when the call is repeated.
                client.send(format!("{}#{}", event.source, event.id)).await?;
                attempt.set(event.id.as_bytes(), b"sent")?;
                Ok(())
            })
        })
        .await?;

    let shipment = Event {
        id: "1".into(),
        source: "/shop".into(),
        event_type: "order.shipped".into(),
        ..Event::default()
    };
    runtime.publish(shipment).await?;
    while runtime.state_get("mailer", b"1").await?.is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (requests, mails) = server.counts();
    assert_eq!((requests, mails), (2, 1));
    println!("{requests} requests, {mails} mail");

    runtime.shutdown().await;
    Ok(())
}

/// An outside system, in place of a real one. It sends one mail per key.
#[derive(Default)]
struct MailServer {
    requests: AtomicUsize,
    sent: Mutex<BTreeSet<String>>,
}

impl MailServer {
    /// Sends a mail. The response to the first request is lost.
    async fn send(&self, key: String) -> Result<(), String> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.sent.lock().expect("no thread panics while it holds the lock").insert(key);
        match self.requests.fetch_add(1, Ordering::Relaxed) {
            0 => Err("the connection was closed before the response".into()),
            _ => Ok(()),
        }
    }

    /// The number of requests, and of mails.
    fn counts(&self) -> (usize, usize) {
        let sent = self.sent.lock().expect("no thread panics while it holds the lock");
        (self.requests.load(Ordering::Relaxed), sent.len())
    }
}
