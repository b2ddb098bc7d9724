//! Retention deletes the oldest segments of the log. A read before the trim point reports the first retained
//! offset.

use serde_json::Value;
use tempfile::tempdir;

use super::http::{Http, event};
use super::process::{Runtime, write};

#[test]
fn reading_before_the_trim_point_is_answered_with_the_first_offset_that_is_left() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let runtime = Runtime::start(folder, &[]);
    let http = Http::new(runtime.url());
    // Slightly more data than one segment can hold.
    let batches = 23;
    for batch in 0..batches {
        let events: Vec<Value> = (0..3).map(|id| event(batch * 3 + id, 1_000_000)).collect();
        assert_eq!(http.publish(&events).status, 200);
    }
    assert_eq!(http.get("/events?from=0&limit=1").status, 200);
    // The snapshot of a clean stop covers the whole log.
    assert!(runtime.stop().0.success());

    write(folder, "camshaft.toml", "[retention]\nbytes = \"1MiB\"\n");
    let runtime = Runtime::start(folder, &[]);
    let http = Http::new(runtime.url());
    runtime.until(folder, "read --from 0 --limit 1", |stdout| stdout.is_empty());
    let first = http.get("/health").json()["first_offset"].as_u64().unwrap();
    assert!(first > 0 && first < 3 * batches, "{first}");
    let problem = http.get("/events?from=0").problem(410, "offset-trimmed");
    assert_eq!(problem["first"], first);
    assert_eq!(problem["detail"], format!("the events before offset {first} were trimmed"));
    assert_eq!(problem["hint"], format!("Read with from={first}."));
    http.get(&format!("/events?from={}", first - 1)).problem(410, "offset-trimmed");
    for trimmed in [0, first - 1] {
        let problem = http.get(&format!("/events/{trimmed}")).problem(410, "offset-trimmed");
        assert_eq!(problem["first"], first, "event {trimmed}");
    }
    assert_eq!(http.get(&format!("/events/{first}")).status, 200);
    let rest = http.get(&format!("/events?from={first}"));
    assert_eq!(rest.body.lines().count() as u64, 3 * batches - first);
    assert_eq!(http.get("/events").body, rest.body, "without an offset, it starts at the first one");
    runtime
        .said(folder, "read --from 0")
        .ends_with(3)
        .says("[offset-trimmed]")
        .says(&format!("from={first}"));

    // Publish some more, although no more can be trimmed: the rest is one segment, which exceeds the limit.
    for round in 0..3 {
        assert_eq!(http.publish(&[event(1_000 + round, 1)]).status, 200);
    }
    runtime.until(folder, "read --limit 1 --type test.event --json", |stdout| !stdout.is_empty());
    let (_, said) = runtime.stop();
    assert_eq!(said.matches("trimmed the log").count(), 1, "{said}");
}
