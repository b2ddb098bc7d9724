//! A Rust program embeds the runtime: closures handle events exactly once, across restarts.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;
use std::time::Duration;

use camshaft::{
    AttemptContext, Config, Event, Failure, Filter, Offset, Policy, PublishError, Runtime, Start,
    Subscription, Unavailable,
};

fn config(folder: &Path) -> Config {
    Config { data: folder.join("data"), plugins: folder.join("plugins"), ..Config::default() }
}

fn order(number: u32) -> Event {
    Event {
        id: number.to_string(),
        source: "/shop".into(),
        event_type: "order.placed".into(),
        subject: Some(format!("customer {}", number % 10)),
        ..Event::default()
    }
}

/// Counts events per subject in its state.
async fn count(runtime: &Runtime) {
    let counted = |event: &Event, attempt: &mut camshaft::Attempt| {
        let key = event.subject.as_deref().unwrap_or_default().as_bytes();
        let before = attempt.get(key)?.map_or(0, |value| value[0]);
        attempt.set(key, &[before + 1])?;
        Ok(())
    };
    runtime.subscribe("counter", Subscription::types(["order.*"]), counted).await.unwrap();
}

async fn until_handled(runtime: &Runtime, consumer: &str) {
    tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let view = runtime.consumer(consumer).await.unwrap().unwrap();
            if view.lag == 0 && view.in_flight == 0 && view.retrying == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .expect("the consumer keeps up");
}

async fn counts(runtime: &Runtime) -> Vec<u8> {
    let page = runtime.state_list("counter", b"", 100, None).await.unwrap();
    page.items.into_iter().map(|(_, value)| value[0]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_counts_once_across_restarts_and_repeats() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let runtime = Runtime::open(config(folder.path())).await.unwrap();
        count(&runtime).await;
        let events = (round * 100..(round + 1) * 100).map(order).collect();
        assert!(runtime.publish_batch(events).await.unwrap().iter().all(|receipt| !receipt.duplicate));
        // A producer that got no answer sends everything again.
        let again = (0..(round + 1) * 100).map(order).collect();
        assert!(runtime.publish_batch(again).await.unwrap().iter().all(|receipt| receipt.duplicate));
        until_handled(&runtime, "counter").await;
        assert_eq!(counts(&runtime).await, [u8::try_from(round + 1).unwrap() * 10; 10]);
        runtime.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_shutdown_the_data_directory_is_free_although_clones_are_left() {
    let folder = tempfile::tempdir().unwrap();
    let first = Runtime::open(config(folder.path())).await.unwrap();
    count(&first).await;
    first.publish(order(0)).await.unwrap();
    until_handled(&first, "counter").await;
    let clone = first.clone();
    first.shutdown().await;

    let second = Runtime::open(config(folder.path())).await.unwrap();
    assert!(second.publish(order(0)).await.unwrap().duplicate);
    assert_eq!(counts(&second).await, [1]);
    assert!(matches!(
        clone.publish(order(1)).await,
        Err(PublishError::Unavailable(Unavailable::ShuttingDown))
    ));
    assert!(clone.state_list("counter", b"", 1, None).await.is_err());
    assert!(clone.read(Offset(0), 1).await.is_err());
    second.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_event_holds_its_key_until_it_is_redriven() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::open(config(folder.path())).await.unwrap();
    let strict = |event: &Event, attempt: &mut camshaft::Attempt| {
        if event.id == "0" && attempt.get(b"lenient")?.is_none() {
            return Err(Failure::reject("not this one"));
        }
        if event.event_type == "rule.relaxed" {
            attempt.set(b"lenient", b"1")?;
            return Ok(());
        }
        let mut seen = attempt.get(b"seen")?.unwrap_or_default();
        seen.extend_from_slice(event.id.as_bytes());
        attempt.set(b"seen", &seen)?;
        Ok(())
    };
    runtime.subscribe("strict", Subscription::types(["order.placed", "rule.relaxed"]), strict).await.unwrap();
    let rejected = runtime.publish(order(0)).await.unwrap().offset;
    for number in [1, 10, 20] {
        runtime.publish(order(number)).await.unwrap();
    }
    until_handled(&runtime, "strict").await;
    let seen = async || runtime.state_get("strict", b"seen").await.unwrap().unwrap_or_default();
    assert_eq!(seen().await, b"1", "another customer goes on");
    let letter = runtime.dead_letter("strict", rejected).await.unwrap();
    assert_eq!((letter.summary.reason.as_str(), letter.summary.waiting), ("reject", 2));
    assert_eq!(letter.summary.error, "not this one");
    let relax = Event { id: "r".into(), event_type: "rule.relaxed".into(), subject: None, ..order(0) };
    runtime.publish(relax).await.unwrap();
    until_handled(&runtime, "strict").await;
    runtime.redrive("strict", rejected).await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), async {
        while seen().await != b"101020" {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .expect("what waited follows in order");
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closure_that_does_not_end_keeps_neither_shutdown_nor_the_data_directory() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::open(config(folder.path())).await.unwrap();
    let (entered, has_entered) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let blocks = move |_: &Event, _: &mut camshaft::Attempt| {
        entered.send(()).unwrap();
        // It ends when the test does.
        _ = released.lock().unwrap().recv();
        Ok(())
    };
    runtime.subscribe("stuck", Subscription::types(["order.*"]), blocks).await.unwrap();
    runtime.publish(order(1)).await.unwrap();
    tokio::task::spawn_blocking(move || has_entered.recv().unwrap()).await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), runtime.shutdown())
        .await
        .expect("it waits for ten seconds");
    let again = Runtime::open(config(folder.path())).await.unwrap();
    let done = |_: &Event, attempt: &mut camshaft::Attempt| Ok(attempt.set(b"done", b"1")?);
    again.subscribe("stuck", Subscription::types(["order.*"]), done).await.unwrap();
    until_handled(&again, "stuck").await;
    assert_eq!(again.state_get("stuck", b"done").await.unwrap().as_deref(), Some(&b"1"[..]));
    again.shutdown().await;
    drop(release);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_said_with_what_the_library_gives_and_a_text_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::open(config(folder.path())).await.unwrap();
    let subscription = Subscription::types(["order.*"])
        .filter(Filter::Exact([("subject".to_owned(), "customer 1".to_owned())].into()))
        .policy(Policy { max_attempts: 1, ..Policy::default() })
        .start(Start::Latest);
    let fails = |event: &Event, _: &mut camshaft::Attempt| match event.id.as_str() {
        "1" => Err("the text".into()),
        _ => Err(format!("the number {}", event.id).into()),
    };
    runtime.subscribe("fails", subscription, fails).await.unwrap();
    runtime.publish_batch(vec![order(1), order(2), order(11)]).await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), async {
        while runtime.consumer("fails").await.unwrap().unwrap().dead < 1 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .expect("the first one fails");
    let query = camshaft::view::DeadLetterQuery { limit: 10, ..Default::default() };
    let letters = runtime.dead_letters(query).await.unwrap().items;
    let told: Vec<_> = letters.iter().map(|letter| (letter.reason.as_str(), letter.error.as_str())).collect();
    assert_eq!(told[0], ("retry", "the text"));
    runtime.shutdown().await;
}
