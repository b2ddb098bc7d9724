//! Read the log without a consumer: from an offset, from a saved cursor, and as a follower that waits for new
//! events.
//!
//! Run it with `cargo run --package camshaft --example read_the_log`.

use std::error::Error;

use camshaft::view::Cursor;
use camshaft::{Config, Event, Offset, ReadError, Runtime};

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
    runtime.publish_batch((1..=3).map(reading).collect()).await?;

    // The log also contains the events that the runtime publishes about itself.
    let stored = runtime.read(runtime.first_offset(), 100).await?;
    assert_eq!(stored.iter().filter(|stored| stored.event.source == "/meters").count(), 3);
    for stored in &stored {
        println!("{}: {} {}", stored.offset, stored.event.event_type, stored.event.id);
    }

    // A cursor names the log and the event. A reader saves it as text and resumes after the event, even after
    // a restart. The runtime rejects a cursor of another log.
    let last = stored.last().ok_or("the log is empty")?;
    let saved = Cursor::of(runtime.log_id(), last.offset, &last.event).to_string();
    let cursor: Cursor = saved.parse().map_err(|_| "the text is not a cursor")?;
    let from = runtime.resume_after(cursor).await?;
    assert_eq!(from, last.offset.next());

    // A follower and a producer, at the same time.
    let readings = (4..=6).map(reading).collect();
    let (followed, published) = tokio::join!(follow(&runtime, from, 3), runtime.publish_batch(readings));
    published?;
    let followed = followed?;
    assert_eq!(followed, ["4", "5", "6"]);
    println!("followed: {}", followed.join(", "));

    runtime.shutdown().await;
    Ok(())
}

/// Follows the log from `from` on, and returns the ids of the next `count` readings.
async fn follow(runtime: &Runtime, mut from: Offset, count: usize) -> Result<Vec<String>, ReadError> {
    let mut ids = Vec::new();
    // Returns false when the runtime stops.
    while ids.len() < count && runtime.wait_beyond(from).await {
        for stored in runtime.read(from, 100).await? {
            from = stored.offset.next();
            if stored.event.source == "/meters" {
                ids.push(stored.event.id.clone());
            }
        }
    }
    Ok(ids)
}

fn reading(number: u32) -> Event {
    Event {
        id: number.to_string(),
        source: "/meters".into(),
        event_type: "meter.read".into(),
        ..Event::default()
    }
}
