//! A handler rejects an event, which becomes a dead letter. The next release of the program handles it.
//!
//! Run it with `cargo run --package camshaft --example dead_letters`.

use std::error::Error;
use std::time::Duration;

use camshaft::view::DeadLetterQuery;
use camshaft::{Attempt, AttemptContext, Config, Event, Failure, Runtime, Subscription};

/// Runs the example.
#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let config = Config {
        data: folder.path().join("data"),
        plugins: folder.path().join("plugins"),
        ..Config::default()
    };
    let invoices = Subscription::types(["invoice.sent"]);

    let runtime = Runtime::open(config.clone()).await?;
    runtime.subscribe("billing", invoices.clone(), first_release).await?;
    runtime.publish_batch(vec![invoice("1", "12.50"), invoice("2", "3")]).await?;
    while runtime.consumer("billing").await?.is_none_or(|billing| billing.lag > 0 || billing.in_flight > 0) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    let query = DeadLetterQuery { consumer: Some("billing".into()), limit: 10, ..DeadLetterQuery::default() };
    let page = runtime.dead_letters(query).await?;
    let letter = page.items.first().ok_or("there is no dead letter")?;
    assert_eq!((page.items.len(), letter.reason.as_str()), (1, "reject"));
    // The second invoice has the same subject, which is its key. It waits, so that the order is kept.
    assert_eq!((letter.parks, letter.waiting), (true, 1));
    println!("dead letter {}: {}; {} event waits behind it", letter.id, letter.error, letter.waiting);
    runtime.shutdown().await;

    // Dead letters are durable. The next release subscribes with the same name and redrives it.
    let runtime = Runtime::open(config).await?;
    runtime.subscribe("billing", invoices, second_release).await?;
    runtime.redrive(&letter.consumer, letter.offset).await?;
    // The invoice that waited is handled after the redriven one.
    while runtime.state_get("billing", b"2").await?.is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(runtime.state_get("billing", b"1").await?.as_deref(), Some(&b"12.50"[..]));
    println!("both invoices are handled");

    runtime.shutdown().await;
    Ok(())
}

fn invoice(id: &str, amount: &str) -> Event {
    Event {
        id: id.into(),
        source: "/shop".into(),
        event_type: "invoice.sent".into(),
        subject: Some("customer 7".into()),
        datacontenttype: Some("text/plain".into()),
        data: amount.into(),
        ..Event::default()
    }
}

/// Accepts whole amounts. It rejects all others, because another attempt would fail as well.
fn first_release(event: &Event, attempt: &mut Attempt) -> Result<(), Failure> {
    let amount = String::from_utf8_lossy(&event.data);
    if amount.parse::<u32>().is_err() {
        return Err(Failure::reject(format!("the amount {amount} is not a whole number")));
    }
    attempt.set(event.id.as_bytes(), &event.data)?;
    Ok(())
}

/// Accepts all amounts.
fn second_release(event: &Event, attempt: &mut Attempt) -> Result<(), Failure> {
    attempt.set(event.id.as_bytes(), &event.data)?;
    Ok(())
}
