//! The log, the state and the position of a consumer survive a restart of the program.
//!
//! Run it with `cargo run --package camshaft --example durable_restart`.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use camshaft::view::ConsumerStatusView;
use camshaft::{AttemptContext, Config, Event, Runtime, SubscribeError, Subscription};

/// Runs the example.
#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;

    let runtime = Runtime::open(config(folder.path())).await?;
    subscribe(&runtime).await?;
    runtime.publish_batch((1..=3).map(visit).collect()).await?;
    until_handled(&runtime).await?;
    // Finishes the events in flight and closes the log. A crash would lose no acknowledged event either.
    runtime.shutdown().await;

    let runtime = Runtime::open(config(folder.path())).await?;
    let stored = runtime.read(runtime.first_offset(), 100).await?;
    let visits = stored.iter().filter(|stored| stored.event.source == "/site").count();
    assert_eq!((visits, count(&runtime).await?), (3, 3));
    println!("after the restart: {visits} visits are in the log, and the state counts 3");

    // The consumer exists, but a closure is subscribed only while its process runs. Until the program
    // subscribes it again, the log keeps new events for the consumer.
    let counter = runtime.consumer("counter").await?.ok_or("the consumer is lost")?;
    assert_ne!(counter.status, ConsumerStatusView::Attached);
    runtime.publish(visit(4)).await?;

    // The consumer resumes at its checkpoint: it handles the fourth visit only.
    subscribe(&runtime).await?;
    until_handled(&runtime).await?;
    assert_eq!(count(&runtime).await?, 4);
    println!("after the next visit, the state counts 4");

    runtime.shutdown().await;
    Ok(())
}

fn config(folder: &Path) -> Config {
    Config { data: folder.join("data"), plugins: folder.join("plugins"), ..Config::default() }
}

fn visit(number: u32) -> Event {
    Event {
        id: number.to_string(),
        source: "/site".into(),
        event_type: "page.visited".into(),
        ..Event::default()
    }
}

/// Counts visits in the state, in one byte.
async fn subscribe(runtime: &Runtime) -> Result<(), SubscribeError> {
    let visits = Subscription::types(["page.visited"]);
    runtime
        .subscribe("counter", visits, |_, attempt| {
            let before = attempt.get(b"visits")?.map_or(0, |value| value[0]);
            attempt.set(b"visits", &[before + 1])?;
            Ok(())
        })
        .await
}

async fn count(runtime: &Runtime) -> Result<u8, Box<dyn Error>> {
    Ok(runtime.state_get("counter", b"visits").await?.map_or(0, |value| value[0]))
}

/// Waits until the consumer has handled all events.
async fn until_handled(runtime: &Runtime) -> Result<(), Box<dyn Error>> {
    loop {
        let view = runtime.consumer("counter").await?.ok_or("the consumer does not exist")?;
        if view.lag == 0 && view.in_flight == 0 && view.retrying == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
