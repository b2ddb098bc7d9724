//! A program that embeds the runtime waits for syncs and for disk space, where HTTP producers get a retry
//! answer. The test runs itself a second time as that program, on a disk that fails on demand.

use std::fs;
use std::path::Path;
use std::time::Duration;

use camshaft::{Event, PublishError, Runtime, Unavailable};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::embedding;

/// Number of batches of three megabytes, published twice: six reach the bound of 16 MiB on unsynced data.
const BATCHES: u64 = 8;

#[test]
fn an_embedding_program_waits_until_there_is_room() {
    embedding::run("waiting::child");
}

/// The embedding program. Run as a normal test, it does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Some((runtime, faults)) = embedding::open().await else { return };
    wait_for_syncs(&runtime, &faults.join("sync-waits")).await;
    wait_for_space(&runtime, &faults.join("full")).await;
    runtime.shutdown().await;
}

async fn wait_for_syncs(runtime: &Runtime, fault: &Path) {
    fs::write(fault, "").unwrap();
    let publishers: Vec<_> = (0..BATCHES)
        .map(|number| {
            let (runtime, batch) = (runtime.clone(), (0..3).map(|id| event(number * 3 + id)).collect());
            tokio::spawn(async move { runtime.publish_batch(batch).await })
        })
        .collect();
    // These batches alone exceed the bound, so it is reached in any order.
    let mut hasty = JoinSet::new();
    for number in 0..BATCHES {
        let (runtime, batch) = (runtime.clone(), (0..3).map(|id| event(1_000 + number * 3 + id)).collect());
        hasty.spawn(async move { runtime.try_publish_batch(batch).await });
    }
    let refused = hasty.join_next().await.unwrap().unwrap();
    assert_eq!(refused, Err(Unavailable::Busy.into()), "all others wait for syncs");
    assert!(publishers.iter().all(|publisher| !publisher.is_finished()), "nothing is durable yet");
    fs::remove_file(fault).unwrap();
    for publisher in publishers {
        let receipts = publisher.await.unwrap().unwrap();
        assert!(receipts.iter().all(|receipt| !receipt.duplicate));
    }
}

async fn wait_for_space(runtime: &Runtime, fault: &Path) {
    fs::write(fault, "").unwrap();
    let mut number = 2_000;
    // Reserved space is still used.
    let refused = loop {
        number += 1;
        match runtime.try_publish_batch(vec![event(number)]).await {
            Ok(_) => {}
            Err(PublishError::Unavailable(Unavailable::Busy)) => {}
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused, Unavailable::NoSpace.into());
    let mut waiting = std::pin::pin!(runtime.publish(event(number)));
    // Longer than the interval between checks for space.
    assert!(timeout(Duration::from_millis(1_500), &mut waiting).await.is_err(), "the disk is still full");
    fs::remove_file(fault).unwrap();
    let receipt = timeout(Duration::from_mins(1), waiting).await.expect("there is room again").unwrap();
    assert!(!receipt.duplicate, "the refused event was not published");
}

fn event(id: u64) -> Event {
    Event {
        id: id.to_string(),
        source: "/test".into(),
        event_type: "test.event".into(),
        datacontenttype: Some("text/plain".into()),
        data: vec![b'x'; 1_000_000],
        ..Event::default()
    }
}
