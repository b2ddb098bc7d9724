//! A runtime that stops waits a limited time for calls of sinks. Its log names each call that it cuts off,
//! and says whether the call is repeated.

use camshaft::{Delivery, Failure, Runtime, Sink, Subscription};
use tokio::sync::mpsc::unbounded_channel;

use super::lines::Lines;
use super::world::{config, event};

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_that_stops_names_each_call_that_it_cuts_off() {
    let lines = Lines::default();
    // The threads of the runtime write the lines, so a subscriber of this thread alone would get none.
    tracing::subscriber::set_global_default(lines.clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::open(config(folder.path())).await.unwrap();
    let (begin, mut begun) = unbounded_channel();
    for (name, delivery) in [("again", Delivery::AtLeastOnce), ("once", Delivery::AtMostOnce)] {
        let begin = begin.clone();
        let sink = Sink { delivery, ..Sink::default() };
        runtime
            .subscribe_async(name, Subscription::types(["test.event"]).sink(sink), move |_, _| {
                begin.send(()).unwrap();
                Box::pin(std::future::pending::<Result<(), Failure>>())
            })
            .await
            .unwrap();
    }
    let offset = runtime.publish(event("1", "k")).await.unwrap().offset;
    for _ in 0..2 {
        begun.recv().await.unwrap();
    }
    runtime.shutdown().await;

    let late = "WARN message=a call did not end in time:";
    let mut cut_off = lines.0.lock().unwrap().clone();
    // Other tests of this program log, too.
    let is_own =
        |line: &String| ["consumer=\"once\"", "consumer=\"again\""].iter().any(|own| line.contains(own));
    cut_off.retain(|line| line.starts_with(late) && is_own(line));
    cut_off.sort_unstable();
    assert_eq!(
        cut_off,
        [
            format!(
                "{late} it is not made again, and its result is unknown consumer=\"once\" offset={offset}"
            ),
            format!(
                "{late} it is repeated after the next start, and may be made twice consumer=\"again\" \
                 offset={offset}"
            ),
        ]
    );
}
