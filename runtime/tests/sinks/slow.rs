//! A slow outside: as many calls wait as may, in order per key, and nobody else waits with them.

use std::sync::{Arc, Mutex};

use camshaft::{Outbox, Subscription};
use tokio::sync::watch;

use super::world::{drop_in, event, open, until, until_handled};

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_wait_take_no_worker_keep_their_bound_and_their_order() {
    let folder = tempfile::tempdir().unwrap();
    drop_in(folder.path(), "grants = ['test-outbox']", "max_in_flight = 5\npartitions = 64");
    let gate = watch::Sender::new(false);
    let sent: Arc<Mutex<Vec<String>>> = Arc::default();
    let outbox = {
        let (gate, sent) = (gate.clone(), Arc::clone(&sent));
        Outbox::new(move |one| {
            let mut opened = gate.subscribe();
            sent.lock().unwrap().push(String::from_utf8(one.data).unwrap());
            async move {
                opened.wait_for(|open| *open).await.map(|_| Vec::new()).map_err(|error| error.to_string())
            }
        })
    };
    let runtime = open(folder.path(), outbox).await;
    runtime.subscribe("other", Subscription::types(["test.event"]), |_, _| Ok(())).await.unwrap();
    for round in 0..3 {
        for key in 0..20 {
            runtime.publish(event(&format!("{key}/{round}"), &format!("key {key}"))).await.unwrap();
        }
    }
    // The one worker there is goes on, though every call that may be under way waits.
    until_handled(&runtime, "other").await;
    until("five calls wait", async || sent.lock().unwrap().len() == 5).await;
    assert_eq!(runtime.consumer("sends").await.unwrap().unwrap().in_flight, 5);
    gate.send_replace(true);
    until_handled(&runtime, "sends").await;
    let sent = sent.lock().unwrap().clone();
    assert_eq!(sent.len(), 60, "each once");
    for key in 0..20 {
        let of_key: Vec<&String> = sent.iter().filter(|id| id.starts_with(&format!("{key}/"))).collect();
        assert_eq!(of_key, [&format!("{key}/0"), &format!("{key}/1"), &format!("{key}/2")]);
    }
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_beyond_its_deadline_is_a_failed_attempt_and_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    drop_in(
        folder.path(),
        "grants = ['test-outbox']",
        "backoff = { base = '1ms', max = '1ms' }\n[limits]\ndeadline = '50ms'",
    );
    let outbox = Outbox::new(|sent| async move {
        if sent.attempt < 3 {
            std::future::pending::<()>().await;
        }
        Ok(Vec::new())
    });
    let runtime = open(folder.path(), outbox).await;
    runtime.publish(event("1", "k")).await.unwrap();
    until_handled(&runtime, "sends").await;
    assert_eq!(runtime.state_list("sends", b"", 10, None).await.unwrap().items.len(), 1);
    runtime.shutdown().await;
}
