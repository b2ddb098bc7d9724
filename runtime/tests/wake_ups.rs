//! On a quiet runtime nothing is late: retries, rate limits and redrives, also while the wall clock is set
//! back and forth. These tests measure real time, so each runs alone.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;
use std::sync::{Arc, Mutex as StdMutex};
use std::time::{Duration, Instant};

use camshaft::{Attempt, Config, Event, Failure, Offset, Runtime, Subscription, WallClock};
use camshaft_event::{Backoff, Policy, Rate};
use tokio::sync::{Mutex, MutexGuard};

/// How late something may be on a machine that does other things, too.
const SLACK: Duration = Duration::from_millis(250);

/// The longest backoff of the consumer under test.
const BACKOFF: Duration = Duration::from_millis(100);

/// Waits for the other tests of this program to end.
async fn alone() -> MutexGuard<'static, ()> {
    static QUIET: Mutex<()> = Mutex::const_new(());
    QUIET.lock().await
}

fn config(folder: &Path) -> Config {
    Config { data: folder.join("data"), plugins: folder.join("plugins"), ..Config::default() }
}

fn event(number: usize) -> Event {
    Event {
        id: number.to_string(),
        source: "/quiet".into(),
        event_type: "thing.happened".into(),
        subject: Some(format!("key {number}")),
        ..Event::default()
    }
}

fn policy() -> Policy {
    Policy { max_attempts: u32::MAX, backoff: Backoff { base_ms: 50, max_ms: 100 }, ..Policy::default() }
}

/// When each event was attempted, in the order of the attempts.
#[derive(Clone, Default)]
struct Attempts(Arc<StdMutex<Vec<(String, Instant)>>>);

impl Attempts {
    /// Notes an attempt, and returns which one of its event it is.
    fn note(&self, event: &Event) -> usize {
        let mut attempts = self.0.lock().unwrap();
        attempts.push((event.id.clone(), Instant::now()));
        attempts.iter().filter(|(id, _)| *id == event.id).count()
    }

    fn of(&self, id: &str) -> Vec<Instant> {
        self.0.lock().unwrap().iter().filter(|(of, _)| of == id).map(|(_, at)| *at).collect()
    }

    fn all(&self) -> Vec<Instant> {
        self.0.lock().unwrap().iter().map(|(_, at)| *at).collect()
    }

    async fn until(&self, count: usize) {
        let begun = Instant::now();
        while self.0.lock().unwrap().len() < count {
            assert!(begun.elapsed() < Duration::from_secs(100), "{count} attempts are made");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn longest_gap(attempts: &[Instant]) -> Duration {
    attempts.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}

async fn subscribe(
    runtime: &Runtime,
    policy: Policy,
    handler: impl Fn(&Event, &mut Attempt) -> Result<(), Failure> + Send + Sync + 'static,
) {
    let subscription = Subscription::types(["thing.*"]).policy(policy);
    runtime.subscribe("quiet", subscription, handler).await.unwrap();
}

/// Publishes so many events that each succeed at their attempt number `last`. Returns the longest time
/// between two attempts of one event.
async fn longest_wait(events: usize, last: usize) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::open(config(folder.path())).await.unwrap();
    let attempts = Attempts::default();
    let noted = attempts.clone();
    subscribe(&runtime, policy(), move |event, _| {
        if noted.note(event) < last { Err(Failure::retry("not yet")) } else { Ok(()) }
    })
    .await;
    runtime.publish_batch((0..events).map(event).collect()).await.unwrap();
    attempts.until(events * last).await;
    runtime.shutdown().await;
    (0..events).map(|number| longest_gap(&attempts.of(&number.to_string()))).max().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_retry_is_late_neither_of_one_event_alone_nor_of_several() {
    let _alone = alone().await;
    for (events, last) in [(1, 101), (10, 11)] {
        let longest = longest_wait(events, last).await;
        assert!(longest <= BACKOFF + SLACK, "{longest:?} between two attempts of one of {events} events");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_behind_a_rate_limit_is_late() {
    let _alone = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::open(config(folder.path())).await.unwrap();
    let attempts = Attempts::default();
    let noted = attempts.clone();
    let rate = Some(Rate { events: 1, per_ms: 50 });
    subscribe(&runtime, Policy { rate, ..policy() }, move |event, _| {
        noted.note(event);
        Ok(())
    })
    .await;
    runtime.publish_batch((0..50).map(event).collect()).await.unwrap();
    attempts.until(50).await;
    runtime.shutdown().await;
    let longest = longest_gap(&attempts.all());
    assert!(longest <= Duration::from_millis(50) + SLACK, "{longest:?} between two events");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_lasts_keeps_no_other_event_waiting_for_its_token() {
    let _alone = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::open(Config { workers: Some(2), ..config(folder.path()) }).await.unwrap();
    let attempts = Attempts::default();
    let noted = attempts.clone();
    let rate = Some(Rate { events: 1, per_ms: 50 });
    subscribe(&runtime, Policy { rate, ..policy() }, move |event, _| {
        noted.note(event);
        std::thread::sleep(Duration::from_secs(if event.id == "0" { 3 } else { 0 }));
        Ok(())
    })
    .await;
    runtime.publish(event(0)).await.unwrap();
    attempts.until(1).await;
    runtime.publish(event(1)).await.unwrap();
    attempts.until(2).await;
    let waited = longest_gap(&attempts.all());
    runtime.shutdown().await;
    assert!(waited <= Duration::from_millis(50) + SLACK, "{waited:?} until a token came");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_redrive_is_late() {
    let _alone = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::open(config(folder.path())).await.unwrap();
    let attempts = Attempts::default();
    let noted = attempts.clone();
    subscribe(&runtime, policy(), move |event, _| {
        if noted.note(event) < 2 { Err(Failure::reject("not yet")) } else { Ok(()) }
    })
    .await;
    let receipts = runtime.publish_batch((0..20).map(event).collect()).await.unwrap();
    attempts.until(20).await;
    while runtime.consumer("quiet").await.unwrap().unwrap().dead < 20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for (number, Offset(offset)) in receipts.iter().map(|receipt| receipt.offset).enumerate() {
        let begun = Instant::now();
        runtime.redrive("quiet", Offset(offset)).await.unwrap();
        attempts.until(21 + number).await;
        assert!(begun.elapsed() <= SLACK, "redrive {number} took {:?}", begun.elapsed());
        // Everything comes to rest before the next one.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wall_clock_that_is_set_back_and_forth_makes_no_wait_longer_or_shorter() {
    const WAIT: Duration = Duration::from_millis(150);
    const AHEAD_MS: [i64; 8] = [-3_600_000, 0, 3_600_000, -500, 400, 7_200_000, -7_200_000, 7];
    let _alone = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let wall = WallClock::default();
    let runtime = Runtime::open_with_wall_clock(config(folder.path()), wall.clone()).await.unwrap();
    let attempts = Attempts::default();
    let noted = attempts.clone();
    subscribe(&runtime, policy(), move |event, _| {
        let number = noted.note(event);
        if number <= 2 * AHEAD_MS.len() { Err(Failure::retry_after(WAIT, "later")) } else { Ok(()) }
    })
    .await;
    runtime.publish(event(0)).await.unwrap();
    for number in 1..=2 * AHEAD_MS.len() {
        attempts.until(number).await;
        // In the middle of the wait, or while the attempt is committed.
        if number.is_multiple_of(2) {
            tokio::time::sleep(WAIT / 2).await;
        }
        wall.set_ahead_ms(AHEAD_MS[number % AHEAD_MS.len()]);
    }
    attempts.until(2 * AHEAD_MS.len() + 1).await;
    runtime.shutdown().await;
    let attempts = attempts.all();
    let shortest = attempts.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap();
    let longest = longest_gap(&attempts);
    assert!(longest <= WAIT + SLACK, "{longest:?} between two attempts");
    // Both clocks are read within milliseconds of each other.
    assert!(shortest + Duration::from_millis(20) >= WAIT, "{shortest:?} between two attempts");
}
