//! Counts every event: per type, and per type and hour.
//!
//! The state has two keys for each type: `<type>` is the total, `<type>/<hour>` the count of that hour in
//! UTC, such as `order.placed/2026-11-21T07`. Values are plain integers.

use camshaft_sdk::prelude::*;
use jiff::{Timestamp, tz::Offset};

#[handler("**")]
fn count(event: Event<Bytes>, ctx: &mut Context) -> Result {
    let hour = hour(&event, ctx.now_ms());
    add_one(ctx, &event.event_type)?;
    add_one(ctx, &format!("{}/{hour}", event.event_type))
}

fn add_one(ctx: &Context, key: &str) -> Result {
    let count: u64 = ctx.state().get(key)?.unwrap_or(0);
    ctx.state().set(key, &(count + 1))
}

/// The hour of the event's own time; of the attempt's, if it has none that can be read.
fn hour(event: &Event<Bytes>, now_ms: u64) -> String {
    let now = || i64::try_from(now_ms).ok().and_then(|now_ms| Timestamp::from_millisecond(now_ms).ok());
    let own = event.time.as_deref().and_then(|time| time.parse::<Timestamp>().ok());
    let time = Offset::UTC.to_datetime(own.or_else(now).unwrap_or(Timestamp::MAX));
    format!("{:04}-{:02}-{:02}T{:02}", time.year(), time.month(), time.day(), time.hour())
}

#[cfg(test)]
mod tests {
    use camshaft_sdk::testing::TestContext;

    use super::*;

    fn event(event_type: &str, time: Option<&str>) -> Event<Bytes> {
        Event { time: time.map(str::to_owned), ..Event::new(event_type, Bytes::default()) }
    }

    #[test]
    fn events_are_counted_per_type_and_hour() {
        let mut ctx = TestContext::new();
        for (event_type, time) in [
            ("order.placed", "2026-11-21T07:59:59Z"),
            ("order.placed", "2026-11-21T07:00:00.5Z"),
            ("order.placed", "2026-11-21T08:00:00Z"),
            ("order.paid", "2026-11-21T08:00:00Z"),
        ] {
            ctx.handle(event(event_type, Some(time))).unwrap();
        }
        for (key, expected) in [
            ("order.placed", 3),
            ("order.placed/2026-11-21T07", 2),
            ("order.placed/2026-11-21T08", 1),
            ("order.paid", 1),
            ("order.paid/2026-11-21T08", 1),
        ] {
            assert_eq!(ctx.state().get::<u64>(key).unwrap(), Some(expected), "{key}");
        }
    }

    #[test]
    fn hours_are_those_of_utc_wherever_the_event_happened() {
        for (time, expected) in [
            ("2026-11-21T23:30:00-05:00", "2026-11-22T04"),
            ("2026-11-21T00:30:00+01:00", "2026-11-20T23"),
            ("0900-01-02T03:04:05Z", "0900-01-02T03"),
        ] {
            assert_eq!(hour(&event("order.placed", Some(time)), 0), expected);
        }
    }

    #[test]
    fn without_a_readable_time_the_attempt_tells_the_hour() {
        let now_ms = 1_795_248_000_000;
        for time in [None, Some("yesterday")] {
            assert_eq!(hour(&event("order.placed", time), now_ms), "2026-11-21T08");
        }
    }
}
