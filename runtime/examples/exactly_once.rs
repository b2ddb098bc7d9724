//! Each event counts once: the producer sends it twice, and the first attempt to handle it fails.
//!
//! Run it with `cargo run --package camshaft --example exactly_once`.

use std::error::Error;
use std::time::Duration;

use camshaft::{AttemptContext, Config, Event, Failure, PublishError, Runtime, Subscription};

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

    runtime
        .subscribe("ledger", Subscription::types(["payment.received"]), |_, attempt| {
            let count = number(attempt.get(b"payments")?) + 1;
            attempt.set(b"payments", &count.to_le_bytes())?;
            if attempt.attempt() == 1 {
                // The effects of a failed attempt are dropped. The runtime retries the event after a delay.
                return Err(Failure::retry("the first attempt fails"));
            }
            Ok(())
        })
        .await?;

    // The source and the id identify an event, so a producer that got no response sends it again.
    let payment = Event {
        id: "1".into(),
        source: "/bank".into(),
        event_type: "payment.received".into(),
        subject: Some("account 9".into()),
        ..Event::default()
    };
    let first = runtime.publish(payment.clone()).await?;
    let second = runtime.publish(payment.clone()).await?;
    assert!(!first.duplicate && second.duplicate);
    assert_eq!(first.offset, second.offset);
    println!("the second publish is a duplicate of the event at offset {}", second.offset);

    // Other content with the same source and id is an error.
    let other = Event { subject: Some("account 8".into()), ..payment };
    assert!(matches!(runtime.publish(other).await, Err(PublishError::Conflict { .. })));

    until_handled(&runtime, "ledger").await?;
    let payments = number(runtime.state_get("ledger", b"payments").await?);
    assert_eq!(payments, 1);
    println!("the ledger counts {payments} payment");

    runtime.shutdown().await;
    Ok(())
}

/// A number in the state; 0 if the key is absent.
fn number(value: Option<Vec<u8>>) -> u64 {
    value.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// Waits until the consumer has handled all events.
async fn until_handled(runtime: &Runtime, consumer: &str) -> Result<(), Box<dyn Error>> {
    loop {
        let view = runtime.consumer(consumer).await?.ok_or("the consumer does not exist")?;
        if view.lag == 0 && view.in_flight == 0 && view.retrying == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
