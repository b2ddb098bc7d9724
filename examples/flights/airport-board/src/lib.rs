//! Keeps for each airport what its board of delayed flights says, under the airport's code as the key.
//!
//! The board names the last delayed flight, so here order matters: flights behind a dead letter wait.

use camshaft_sdk::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Delayed {
    origin: String,
    carrier: String,
    flight: u32,
    dep_delay: i64,
}

/// The board of one airport.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Board {
    /// How many flights were delayed.
    delayed: u64,
    /// The longest delay in minutes.
    longest: i64,
    /// The flight that was delayed last.
    last: String,
}

#[handler("flight.delayed")]
fn show(event: Event<Delayed>, ctx: &mut Context) -> Result {
    let Delayed { origin, carrier, flight, dep_delay } = event.data;
    let mut board: Board = ctx.state().get(&origin)?.unwrap_or_default();
    board.delayed += 1;
    board.longest = board.longest.max(dep_delay);
    board.last = format!("{carrier}{flight}");
    ctx.state().set(&origin, &board)
}

#[cfg(test)]
mod tests {
    use camshaft_sdk::{Bytes, testing::TestContext};

    use super::*;

    fn delayed(data: &str) -> Event<Bytes> {
        Event::new("flight.delayed", Bytes(data.as_bytes().to_vec()))
    }

    #[test]
    fn delayed_flights_appear_on_their_airports_board() {
        let mut ctx = TestContext::new();
        for data in [
            r#"{"origin": "EWR", "carrier": "UA", "flight": 1545, "dep_delay": 90}"#,
            r#"{"origin": "JFK", "carrier": "B6", "flight": 725, "dep_delay": 61}"#,
            r#"{"origin": "EWR", "carrier": "EV", "flight": 4133, "dep_delay": 75}"#,
        ] {
            ctx.handle(delayed(data)).unwrap();
        }
        let expected = Board { delayed: 2, longest: 90, last: "EV4133".to_owned() };
        assert_eq!(ctx.state().get("EWR").unwrap(), Some(expected));
        let expected = Board { delayed: 1, longest: 61, last: "B6725".to_owned() };
        assert_eq!(ctx.state().get("JFK").unwrap(), Some(expected));
    }

    #[test]
    fn a_broken_event_is_rejected_with_what_it_lacks() {
        let error = TestContext::new().handle(delayed(r#"{"airport": "EWR"}"#)).unwrap_err();
        assert!(error.is_reject());
        assert!(
            error.reason().contains("data of `flight.delayed` cannot be decoded as Delayed: missing field"),
            "{error}"
        );
    }
}
