//! Closures as sinks: they may wait, each on a thread of its own or as a task, and are delivered as a plugin
//! is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use camshaft::{AttemptContext, Backoff, Delivery, Failure, Offset, Policy, Runtime, Sink, Subscription};
use camshaft_event::NewEvent;

use super::world::{config, event, until, until_handled};

#[tokio::test(flavor = "multi_thread")]
async fn closures_wait_side_by_side_and_see_what_they_wrote() {
    const CALLS: usize = 4;
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::open(config(folder.path())).await.unwrap();
    let together = Arc::new(Barrier::new(CALLS));
    let sink = Sink { max_in_flight: 4, ..Sink::default() };
    let subscription = Subscription::types(["test.event"]).sink(sink);
    runtime
        .subscribe("mailer", subscription, move |event, attempt| {
            // It ends only if as many are under way as may be.
            together.wait();
            let key = event.partitionkey.as_deref().unwrap_or_default().as_bytes();
            let count = attempt.get(key)?.map_or(0, |value| value[0]);
            attempt.set(key, &[count + 1])?;
            Ok(())
        })
        .await
        .unwrap();
    let keys: Vec<String> = distinct_partitions(CALLS);
    for round in 0..5 {
        for key in &keys {
            runtime.publish(event(&format!("{key}/{round}"), key)).await.unwrap();
        }
    }
    until_handled(&runtime, "mailer").await;
    for key in &keys {
        assert_eq!(runtime.state_get("mailer", key.as_bytes()).await.unwrap().as_deref(), Some(&[5][..]));
    }
    runtime.shutdown().await;
}

/// Keys that different partitions of 64 have.
fn distinct_partitions(count: usize) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    let keys = (0..).map(|number| format!("k{number}"));
    let partition = |key: &String| camshaft_event::Key::Ordered(key.as_str().into()).partition(64);
    keys.filter(|key| seen.insert(partition(key))).take(count).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_once_a_closure_that_fails_or_panics_is_called_once() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::open(config(folder.path())).await.unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let sink = Sink { delivery: Delivery::AtMostOnce, ..Sink::default() };
    runtime
        .subscribe("mailer", Subscription::types(["test.event"]).sink(sink), move |event, _| {
            count.fetch_add(1, Ordering::Relaxed);
            assert_ne!(event.id, "panics");
            Err(Failure::retry("not now"))
        })
        .await
        .unwrap();
    for id in ["panics", "fails"] {
        runtime.publish(event(id, id)).await.unwrap();
    }
    until("both are dead letters", async || runtime.consumer("mailer").await.unwrap().unwrap().dead == 2)
        .await;
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_call_reads_of_another_one_is_durable_already() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::open(config(folder.path())).await.unwrap();
    let (together, early, reads) =
        (Arc::new(Barrier::new(2)), Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
    let keys = distinct_partitions(2);
    let (writer, count, reader) = (keys[0].clone(), Arc::clone(&early), runtime.clone());
    let handle = tokio::runtime::Handle::current();
    runtime
        .subscribe(
            "mailer",
            Subscription::types(["test.event"]).sink(Sink::default()),
            move |event, attempt| {
                if event.partitionkey.as_ref() == Some(&writer) {
                    together.wait();
                    attempt.set(b"note", b"1")?;
                    attempt.publish(NewEvent { event_type: "test.wrote".into(), ..NewEvent::default() })?;
                    return Ok(());
                }
                // What it read changed meanwhile, so it is called again.
                if reads.fetch_add(1, Ordering::Relaxed) == 0 {
                    together.wait();
                }
                while attempt.get(b"note")?.is_none() {
                    std::thread::yield_now();
                }
                let events = handle.block_on(reader.read(Offset(0), 100)).unwrap();
                let is_durable = events.iter().any(|stored| stored.event.event_type == "test.wrote");
                count.fetch_add(usize::from(!is_durable), Ordering::Relaxed);
                Ok(())
            },
        )
        .await
        .unwrap();
    for key in &keys {
        runtime.publish(event(key, key)).await.unwrap();
    }
    until_handled(&runtime, "mailer").await;
    assert_eq!(early.load(Ordering::Relaxed), 0);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn async_closures_wait_without_threads_and_are_sinks() {
    // More than there are threads for them.
    const CALLS: usize = 24;
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::open(config(folder.path())).await.unwrap();
    let together = Arc::new(tokio::sync::Barrier::new(CALLS));
    let sink = Sink { max_in_flight: 24, ..Sink::default() };
    runtime
        .subscribe_async("mailer", Subscription::types(["test.event"]).sink(sink), move |event, attempt| {
            let together = Arc::clone(&together);
            Box::pin(async move {
                // It ends only if all are under way.
                together.wait().await;
                tokio::time::sleep(Duration::from_millis(1)).await;
                attempt.set(event.id.as_bytes(), b"sent")?;
                Ok(())
            })
        })
        .await
        .unwrap();
    for key in distinct_partitions(CALLS) {
        runtime.publish(event(&key, &key)).await.unwrap();
    }
    until_handled(&runtime, "mailer").await;
    assert_eq!(runtime.state_list("mailer", b"", 100, None).await.unwrap().items.len(), CALLS);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_async_closure_that_fails_or_panics_is_called_again_or_becomes_a_dead_letter() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::open(config(folder.path())).await.unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let backoff = Backoff { base_ms: 1, max_ms: 1 };
    let policy = Policy { max_attempts: 2, backoff, ..Policy::default() };
    runtime
        .subscribe_async("mailer", Subscription::types(["test.event"]).policy(policy), move |event, _| {
            count.fetch_add(1, Ordering::Relaxed);
            assert_ne!(event.id, "panics before it waits");
            Box::pin(async move {
                tokio::task::yield_now().await;
                assert_ne!(event.id, "panics");
                Err("not now".into())
            })
        })
        .await
        .unwrap();
    let ids = ["panics", "fails", "panics before it waits"];
    for id in ids {
        runtime.publish(event(id, id)).await.unwrap();
    }
    until("all are dead letters", async || {
        runtime.consumer("mailer").await.unwrap().unwrap().dead == u64::try_from(ids.len()).unwrap()
    })
    .await;
    assert_eq!(calls.load(Ordering::Relaxed), 2 * ids.len());
    runtime.shutdown().await;
}
