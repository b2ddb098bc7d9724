//! Publish an event and handle it: `shipping` handles the order and publishes a shipment, and `mailer`
//! handles the shipment.
//!
//! Run it with `cargo run --package camshaft --example publish_subscribe`.

use std::error::Error;
use std::time::Duration;

use camshaft::{AttemptContext, Config, Event, NewEvent, Runtime, Subscription};

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

    // A subscription creates a durable consumer with this name. The attempt collects the effects of the
    // handler. They apply together with the completion of the event, or not at all.
    runtime
        .subscribe("shipping", Subscription::types(["order.placed"]), |_, attempt| {
            // The subject is that of the order. The runtime adds the id, the source and the time.
            attempt.publish(NewEvent { event_type: "order.shipped".into(), ..NewEvent::default() })?;
            Ok(())
        })
        .await?;
    runtime
        .subscribe("mailer", Subscription::types(["order.shipped"]), |event, attempt| {
            let order = event.subject.as_deref().unwrap_or_default();
            attempt.set(order.as_bytes(), event.source.as_bytes())?;
            Ok(())
        })
        .await?;

    // Returns once the event is durable. The handlers run afterwards, on threads of the runtime.
    let order = Event {
        id: "1".into(),
        source: "/shop".into(),
        event_type: "order.placed".into(),
        subject: Some("order 1".into()),
        ..Event::default()
    };
    let receipt = runtime.publish(order).await?;
    assert_eq!(receipt.handled_by, 1, "one consumer wants this type");
    println!("the order is durable at offset {}", receipt.offset);

    let source = loop {
        if let Some(value) = runtime.state_get("mailer", b"order 1").await? {
            break String::from_utf8(value)?;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(source, "/plugins/shipping");
    println!("mailer handled the shipment, which {source} published");

    runtime.shutdown().await;
    Ok(())
}
