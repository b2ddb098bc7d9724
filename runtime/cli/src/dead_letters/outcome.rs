//! Waits until redriven events are handled or are dead letters again.

use std::{thread, time::Duration};

use camshaft_wire::{ConsumerStatusView, ConsumerView, ErrorCode, RedrivenStatus, RedrivenView};
use serde::Serialize;

use super::{
    super::{
        client::{Client, path},
        failure::Failure,
        output,
    },
    Id,
    act::counted,
};

/// Polling interval.
pub const LOOK: Duration = Duration::from_millis(100);

/// The results of a redrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    pub redriven: u64,
    pub handled: u64,
    pub dead_again: u64,
}

/// Waits until each redriven event of `ids` is handled or is a dead letter again.
pub fn until_settled(client: &Client, ids: &[Id]) -> Result<Outcome, Failure> {
    let mut outcome = Outcome { redriven: ids.len() as u64, ..Outcome::default() };
    let mut waiting: Vec<&Id> = ids.iter().collect();
    loop {
        let mut still = Vec::new();
        for id in waiting {
            let redriven = path(&["dead-letters", &id.consumer, &id.offset.to_string(), "redriven"]);
            match client.get::<RedrivenView>(&redriven)?.status {
                RedrivenStatus::Waiting => still.push(id),
                RedrivenStatus::Dead => outcome.dead_again += 1,
                RedrivenStatus::Gone => outcome.handled += 1,
            }
        }
        let Some(first) = still.first() else { return Ok(outcome) };
        check_moving(client, &first.consumer, still.len() as u64)?;
        waiting = still;
        thread::sleep(LOOK);
    }
}

/// Fails if the consumer delivers no events, which would leave `count` redriven events waiting. Otherwise
/// returns whether the consumer holds any events.
pub fn check_moving(client: &Client, consumer: &str, count: u64) -> Result<bool, Failure> {
    let view: ConsumerView = client.get(&path(&["consumers", consumer]))?;
    let why = match view.status {
        ConsumerStatusView::Attached | ConsumerStatusView::Full => return Ok(view.held > 0),
        ConsumerStatusView::Detached => "detached",
        ConsumerStatusView::Paused => "paused",
        ConsumerStatusView::Damaged => "damaged",
    };
    let message = format!("{} redriven, but consumer \"{consumer}\" is {why}", counted_events(count));
    let failure = Failure::new(ErrorCode::NotYet, message);
    Err(failure.hint(format!(
        "Run `camshaft consumers {consumer}` to see why. The events wait until the consumer runs again."
    )))
}

/// Reports the results. Dead letters that failed again fail the command.
pub fn tell(outcome: Outcome) -> Result<(), Failure> {
    let Outcome { handled, dead_again, .. } = outcome;
    if dead_again == 0 {
        output::note(&format!("{} handled", counted_events(handled)));
        return Ok(());
    }
    let message = match handled {
        0 => format!("{} failed again", counted(dead_again)),
        _ => format!("{} failed again, {} handled", counted(dead_again), counted_events(handled)),
    };
    Err(Failure::new(ErrorCode::DeadAgain, message))
}

fn counted_events(count: u64) -> String {
    if count == 1 { "1 event was".to_owned() } else { format!("{count} events were") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_die_again_end_the_command() {
        assert!(tell(Outcome { redriven: 2, handled: 2, dead_again: 0 }).is_ok());
        let failure = tell(Outcome { redriven: 3, handled: 1, dead_again: 2 }).unwrap_err();
        assert_eq!(failure.line(), "2 dead letters failed again, 1 event was handled [dead-again]");
        let failure = tell(Outcome { redriven: 1, handled: 0, dead_again: 1 }).unwrap_err();
        assert_eq!(failure.line(), "1 dead letter failed again [dead-again]");
    }
}
