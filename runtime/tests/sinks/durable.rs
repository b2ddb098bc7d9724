//! Nothing leaves before it is durable: when a guest sends, its event and what the sink did before can be
//! read back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use camshaft::{AttemptContext, Offset, Outbox, Runtime, Sink, Subscription};

use super::world::{config, drop_in, event, open, until, until_handled};

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_can_be_read_from_outside_already() {
    let folder = tempfile::tempdir().unwrap();
    drop_in(folder.path(), "grants = ['test-outbox']", "");
    let (runtime, early) = (Arc::new(OnceLock::<Runtime>::new()), Arc::new(AtomicUsize::new(0)));
    let outbox = {
        let (runtime, early) = (Arc::clone(&runtime), Arc::clone(&early));
        Outbox::new(move |sent| {
            let (runtime, early) = (Arc::clone(&runtime), Arc::clone(&early));
            async move {
                let id = String::from_utf8(sent.data).unwrap();
                let events = runtime.get().unwrap().read(Offset(0), 10_000).await.unwrap();
                if !events.iter().any(|stored| stored.event.id == id && stored.event.source == "/test") {
                    early.fetch_add(1, Ordering::Relaxed);
                }
                Ok(Vec::new())
            }
        })
    };
    let opened = open(folder.path(), outbox).await;
    assert!(runtime.set(opened.clone()).is_ok());
    // Else all of it is durable before there is a sink.
    until("it runs", async || {
        opened.plugin("sends").await.unwrap().is_some_and(|plugin| plugin.activation.is_some())
    })
    .await;
    let publishing = (0..200).map(|number| {
        let runtime = opened.clone();
        let event = event(&format!("e{number}"), &format!("k{}", number % 20));
        tokio::spawn(async move { runtime.publish(event).await.unwrap() })
    });
    for published in publishing.collect::<Vec<_>>() {
        published.await.unwrap();
    }
    until_handled(&opened, "sends").await;
    assert_eq!(early.load(Ordering::Relaxed), 0);
    let sent = opened.state_list("sends", b"sent/", 1_000, None).await.unwrap();
    assert_eq!(sent.items.len(), 200);
    opened.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_begins_before_its_event_is_durable() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::open(config(folder.path())).await.unwrap();
    let early = Arc::new(AtomicUsize::new(0));
    let (count, reader) = (Arc::clone(&early), runtime.clone());
    runtime
        .subscribe("mailer", Subscription::types(["test.event"]).sink(Sink::default()), move |_, attempt| {
            let durable = reader.health().tail;
            count.fetch_add(usize::from(attempt.offset() >= durable), Ordering::Relaxed);
            Ok(())
        })
        .await
        .unwrap();
    for number in 0..500 {
        runtime.publish(event(&format!("e{number}"), &format!("k{}", number % 20))).await.unwrap();
    }
    until_handled(&runtime, "mailer").await;
    assert_eq!(early.load(Ordering::Relaxed), 0);
    runtime.shutdown().await;
}
