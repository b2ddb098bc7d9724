//! Says `flight.delayed` about every departure that is an hour late or more, in order per airport.

use camshaft_sdk::prelude::*;
use flight_data::Minutes;
use serde::{Deserialize, Serialize};

/// From here on a delay is worth an event of its own.
const LATE: Minutes = Minutes(60);

#[derive(Deserialize)]
struct Departure {
    carrier: String,
    flight: u32,
    origin: String,
    dest: String,
    dep_delay: Minutes,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Delayed {
    carrier: String,
    flight: u32,
    origin: String,
    dest: String,
    dep_delay: Minutes,
}

#[handler("flight.departed", publishes("flight.delayed"))]
fn alert(flight: Event<Departure>, ctx: &mut Context) -> Result {
    let Departure { carrier, flight, origin, dest, dep_delay } = flight.data;
    if dep_delay < LATE {
        return Ok(());
    }
    let delayed = Delayed { carrier, flight, origin, dest, dep_delay };
    ctx.event("flight.delayed", &delayed).key(&delayed.origin).publish()
}

#[cfg(test)]
mod tests {
    use camshaft_sdk::{Bytes, testing::TestContext};

    use super::*;

    /// What is published about a departure with this delay.
    fn published(dep_delay: &str) -> Vec<Event<Bytes>> {
        let row = r#"{"carrier": "UA", "flight": 1545, "origin": "EWR", "dest": "IAH", "dep_delay": DELAY}"#;
        let data = Bytes(row.replace("DELAY", dep_delay).into_bytes());
        let flight = Event {
            subject: Some("UA1545/2013-01-01".to_owned()),
            partitionkey: Some("UA".to_owned()),
            ..Event::new("flight.departed", data)
        };
        let mut ctx = TestContext::new();
        ctx.handle(flight).unwrap();
        ctx.published()
    }

    #[test]
    fn an_hour_late_is_an_event_under_the_airports_key() {
        for dep_delay in ["60", r#""60 min""#] {
            let events = published(dep_delay);
            let [delayed] = events.as_slice() else { panic!("one event: {events:?}") };
            assert_eq!(delayed.event_type, "flight.delayed");
            assert_eq!(delayed.key(), Some("EWR"));
            assert_eq!(delayed.subject.as_deref(), Some("UA1545/2013-01-01"));
            let data = delayed.clone().decode::<Delayed>().unwrap().data;
            assert_eq!((data.flight, data.dep_delay), (1545, Minutes(60)));
        }
    }

    #[test]
    fn less_than_an_hour_is_none() {
        for dep_delay in ["59", "-4", r#""59 min""#] {
            assert_eq!(published(dep_delay), []);
        }
    }
}
