//! Keeps the figures of each carrier: flights, cancellations, departure delays.
//!
//! Version 1.0 knew delays as numbers only; this one also reads them as text, such as `"12 min"`.

#[path = "../../carrier-stats/src/stats.rs"]
mod stats;

use camshaft_sdk::prelude::*;
use flight_data::Minutes;
use serde::Deserialize;

use stats::Stats;

#[derive(Deserialize)]
struct Departure {
    carrier: String,
    dep_delay: Minutes,
}

#[derive(Deserialize)]
struct Cancellation {
    carrier: String,
}

#[handler("flight.departed")]
fn departed(flight: Event<Departure>, ctx: &mut Context) -> Result {
    let Departure { carrier, dep_delay } = flight.data;
    Stats::update(ctx, &carrier, |stats| stats.departed(dep_delay.0))
}

#[handler("flight.cancelled")]
fn cancelled(flight: Event<Cancellation>, ctx: &mut Context) -> Result {
    Stats::update(ctx, &flight.data.carrier, Stats::cancelled)
}

#[cfg(test)]
mod tests {
    use camshaft_sdk::{Bytes, testing::TestContext};

    use super::*;

    fn event(event_type: &str, data: &str) -> Event<Bytes> {
        Event::new(event_type, Bytes(data.as_bytes().to_vec()))
    }

    #[test]
    fn flights_of_a_carrier_add_up() {
        let mut ctx = TestContext::new();
        for (event_type, data) in [
            ("flight.departed", r#"{"carrier": "UA", "dep_delay": 12}"#),
            ("flight.departed", r#"{"carrier": "UA", "dep_delay": "-5 min"}"#),
            ("flight.cancelled", r#"{"carrier": "UA", "dep_delay": null}"#),
            ("flight.cancelled", r#"{"carrier": "OO"}"#),
        ] {
            ctx.handle(event(event_type, data)).unwrap();
        }
        let expected = Stats { count: 3, cancelled: 1, dep_delay_sum: 7, dep_delay_max: Some(12) };
        assert_eq!(ctx.state().get("UA").unwrap(), Some(expected));
        let expected = Stats { count: 1, cancelled: 1, dep_delay_sum: 0, dep_delay_max: None };
        assert_eq!(ctx.state().get("OO").unwrap(), Some(expected));
    }

    #[test]
    fn a_delay_in_other_words_is_rejected() {
        let mut ctx = TestContext::new();
        let flight = event("flight.departed", r#"{"carrier": "UA", "dep_delay": "an hour"}"#);
        assert!(ctx.handle(flight).unwrap_err().is_reject());
    }
}
