use camshaft_event::Timestamp;
use camshaft_wire::Oldest;

use super::*;

fn stock() -> ConsumerView {
    ConsumerView {
        name: "stock".into(),
        status: ConsumerStatusView::Attached,
        detached_at: None,
        generation: 1,
        partitions: 64,
        checkpoint: Offset(27_000),
        lag: 4,
        in_flight: 2,
        retrying: 1,
        held: 3,
        dead: 1,
        state_bytes: 3 << 20,
        timers: 0,
        pauses: Vec::new(),
        damage: Vec::new(),
        throttled_until: None,
        oldest: Some(Oldest { offset: Offset(17), age_ms: 65_000 }),
        oldest_held: None,
        last_failure: None,
    }
}

#[test]
fn the_table_shows_what_holds_consumers_up() {
    let gone = ConsumerView {
        name: "gone".into(),
        status: ConsumerStatusView::Detached,
        detached_at: Some(Timestamp(1_769_860_800_000)),
        oldest: None,
        ..stock()
    };
    insta::assert_snapshot!(all(&[stock(), gone.clone()]), @"
    NAME   STATUS    LAG  IN FLIGHT  RETRYING  HELD  DEAD  OLDEST
    stock  attached  4    2          1         3     1     1m
    gone   detached  4    2          1         3     1     -
    ");
    insta::assert_snapshot!(one(&gone), @"
    name        gone
    status      detached
    detached    2026-01-31T12:00:00Z
    generation  1
    partitions  64
    checkpoint  27000
    lag         4
    in flight   2
    retrying    1
    held        3
    dead        1
    state       3.0 MiB
    timers      0
    ");
}

#[test]
fn one_that_retries_says_why() {
    let at = Timestamp(1_769_860_800_000);
    let error = "the database is away".to_owned();
    let retries = ConsumerView {
        oldest_held: Some(OldestHeldView {
            key: None,
            offset: Offset(17),
            age_ms: None,
            events: 1,
            waits_for: WaitsForView::Retry { due: at },
            attempts: 3,
            due: Some(at),
            last_failure: Some(camshaft_wire::AttemptView {
                attempt: 3,
                at,
                activation: 1,
                cause: "retry".into(),
                error: error.clone(),
            }),
        }),
        last_failure: Some(LastError { at, offset: Offset(17), cause: "retry".into(), error, activation: 1 }),
        ..stock()
    };
    insta::assert_snapshot!(one(&retries), @"
    name          stock
    status        attached
    generation    1
    partitions    64
    checkpoint    27000
    lag           4
    in flight     2
    retrying      1
    held          3
    dead          1
    state         3.0 MiB
    timers        0
    oldest        offset 17, 1m old
    held longest  no key: 1 event from offset 17
    waits for     its next attempt, at 2026-01-31T12:00:00Z
    attempts      3 failed, the last one at 2026-01-31T12:00:00Z with retry: the database is away
    last failure  retry at offset 17, 2026-01-31T12:00:00Z
                  the database is away
    ");
}

#[test]
fn one_that_is_stuck_says_where_and_what_it_waits_for() {
    let at = Timestamp(1_769_860_800_000);
    let stuck = ConsumerView {
        status: ConsumerStatusView::Paused,
        pauses: vec![PauseView::Operator { since: at }, PauseView::Breaker { until: at }],
        throttled_until: Some(at),
        oldest_held: Some(OldestHeldView {
            key: Some("o-17".into()),
            offset: Offset(18),
            age_ms: Some(61_000),
            events: 3,
            waits_for: WaitsForView::DeadLetter { offset: Offset(17) },
            attempts: 0,
            due: None,
            last_failure: None,
        }),
        ..stock()
    };
    insta::assert_snapshot!(one(&stuck), @"
    name          stock
    status        paused
    generation    1
    partitions    64
    checkpoint    27000
    lag           4
    in flight     2
    retrying      1
    held          3
    dead          1
    state         3.0 MiB
    timers        0
    paused        by hand, since 2026-01-31T12:00:00Z; by its circuit breaker, until 2026-01-31T12:00:00Z
    rate limit    waits until 2026-01-31T12:00:00Z
    oldest        offset 17, 1m old
    held longest  key \"o-17\": 3 events from offset 18, 1m old
    waits for     dead letter 17 to be redriven or discarded
    ");
}

#[test]
fn the_operators_guide_quotes_what_a_consumer_shows_when_it_is_stuck() {
    let guide = include_str!("../../../OPERATING.md");
    let at = Timestamp(1_769_860_800_000);
    let shown = [
        waits_for(WaitsForView::Probation { until: at }),
        pause(PauseView::Probation { since: at }),
        pause(PauseView::Unattended),
    ];
    let quoted = [
        "a probation to end",
        "its newest version failed probation and cannot be rolled back",
        "no code handles its events",
    ];
    for (shown, quoted) in shown.iter().zip(quoted) {
        assert!(shown.starts_with(quoted), "{shown}");
        assert!(guide.contains(&format!("`{quoted}`")), "OPERATING.md should quote {quoted:?}");
    }
}
