//! The deliveries of one event, derived from the current checkpoints, held events and dead letters, and from
//! the log after the event.
//!
//! Nothing is recorded for this purpose. If a consumer's checkpoint is past the event, [`Trail`] searches the
//! log for the record of the outcome. It reads a bounded number of records; if none of them has the outcome,
//! the status is unknown.

mod search;
mod trail;

use std::sync::Arc;

use camshaft_engine::{SharedSequencer, Standing};
use camshaft_event::{ActivationId, DeadLetter, Event, FailedAttempt, HeldEvent, Offset};

use super::{Runtime, dead_letters::attempt_view};
use crate::EventError;
use crate::compose::EmbeddedStore;
use crate::view::{DeadLetterView, DeliveryStatus, DeliveryView, EventView, HeldBecause};
use trail::{Handling, Trail, Turn};

/// The delivery of an event to one consumer, according to the tables.
struct Delivery {
    standing: Standing,
    now: Now,
}

/// Where the event is.
enum Now {
    Held(Box<HeldEvent>),
    Dead(Box<DeadLetter>),
    /// The consumer has not come to it.
    Ahead,
    /// The consumer is past it.
    Past,
}

impl Runtime {
    /// Returns the event at `offset` and its delivery to every consumer.
    ///
    /// # Errors
    /// A trimmed offset, an offset without an event, or a log or tables that cannot be read.
    pub async fn event(&self, offset: Offset) -> Result<EventView, EventError> {
        if offset >= self.tail() {
            return Err(EventError::NoSuchOffset { offset, tail: self.tail() });
        }
        let found = self.read(offset, 1).await?.into_iter().next();
        let stored = found.filter(|found| found.offset == offset);
        let event = stored.ok_or(EventError::NoSuchOffset { offset, tail: self.tail() })?.event;
        let of = Arc::clone(&event);
        let failed = |reason| EventError::Failed { reason };
        // Before the log: what these say is durable then, and the log tells how it came to be.
        let deliveries = self.read_long(move |sequencer| gather(sequencer, offset, &of), failed).await?;
        let wanted = deliveries.iter().filter_map(Delivery::sought).collect();
        let trail = self.trail(offset, wanted).await?;
        let views = move |sequencer: &_| -> Result<_, EventError> {
            deliveries.iter().map(|delivery| view(sequencer, delivery, &trail)).collect()
        };
        let deliveries = self.read_long(views, failed).await?;
        Ok(EventView { offset, event: DeadLetterView::event_json(&event, offset), deliveries })
    }
}

impl Delivery {
    /// What the log has to tell, if the tables do not.
    fn sought(&self) -> Option<trail::Sought> {
        let Standing { id, generation, wants, changed, .. } = &self.standing;
        let is_past = matches!(self.now, Now::Past);
        // In a later generation the event may have been handled in each.
        let once = generation.0 <= 1;
        // A version before this one may have wanted it.
        let only_before = if *wants == Some(false) { Some((*changed)?) } else { None };
        is_past.then_some(trail::Sought { consumer: *id, once, only_before })
    }
}

/// Where each consumer stands with the event.
fn gather(
    sequencer: &SharedSequencer<EmbeddedStore>,
    offset: Offset,
    event: &Event,
) -> Result<Vec<Delivery>, EventError> {
    let names = sequencer.lock().consumer_names();
    let mut deliveries = Vec::with_capacity(names.len());
    for name in names {
        let Some(standing) = sequencer.lock().standing(&name, offset, event)? else { continue };
        let now = match (standing.is_dead, standing.is_held) {
            (true, _) => match sequencer.find_dead_letter(&name, offset, 0) {
                Some((found, store)) => found.letter.read(store.as_ref())?.map(Box::new).map(Now::Dead),
                None => None,
            },
            (false, true) => sequencer.held(&name, offset)?.map(Box::new).map(Now::Held),
            (false, false) => Some(if standing.is_past { Now::Past } else { Now::Ahead }),
        };
        // One that is gone by now went on in the log.
        deliveries.push(Delivery { standing, now: now.unwrap_or(Now::Past) });
    }
    Ok(deliveries)
}

fn view(
    sequencer: &SharedSequencer<EmbeddedStore>,
    delivery: &Delivery,
    trail: &Trail,
) -> Result<DeliveryView, EventError> {
    let Delivery { standing, now } = delivery;
    let new = |status| DeliveryView::new(standing.name.clone(), status);
    let (turn, is_open) = (trail.turn(standing.id), trail.is_open(standing.id));
    let mut ran = None;
    let view = match now {
        Now::Held(held) => {
            let last = held.suspended.as_deref().or(held.history.latest());
            ran = last.map(|last| last.activation);
            DeliveryView {
                at: held.first_attempt.or(held.sequenced_at),
                waits_for: Some(because(held, standing.is_behind)),
                due: (held.due.0 > 0).then_some(held.due),
                failed_attempts: Some(held.history.total + u64::from(held.suspended.is_some())),
                last_failure: last.map(attempt_view),
                ..new(DeliveryStatus::Held)
            }
        }
        Now::Dead(letter) => {
            let last: Option<&FailedAttempt> = letter.history.latest();
            ran = last.map(|last| last.activation);
            DeliveryView {
                at: Some(letter.at),
                attempt: last.map(|last| last.attempt),
                failed_attempts: Some(letter.history.total),
                last_failure: last.map(attempt_view),
                ..new(DeliveryStatus::Dead)
            }
        }
        Now::Ahead if standing.wants == Some(false) => new(DeliveryStatus::NotWanted),
        // Nothing runs for a detached consumer, so nothing says what it wants.
        Now::Ahead if standing.wants.is_none() => new(DeliveryStatus::Unknown),
        Now::Ahead => new(DeliveryStatus::Pending),
        Now::Past => match turn {
            // A later generation's turn, or the outcome of the call, may follow where nothing was looked at.
            Some(_) if is_open && standing.generation.0 > 1 => new(DeliveryStatus::Unknown),
            Some(Turn::Called(_)) if is_open => new(DeliveryStatus::Unknown),
            Some(Turn::Done(handling)) => {
                ran = Some(handling.activation);
                handled(handling, new(DeliveryStatus::Done))
            }
            Some(Turn::Called(handling)) => {
                ran = Some(handling.activation);
                handled(handling, new(DeliveryStatus::Called))
            }
            Some(Turn::Discarded(at)) => DeliveryView { at: Some(*at), ..new(DeliveryStatus::Discarded) },
            Some(Turn::Dropped(at)) => DeliveryView { at: Some(*at), ..new(DeliveryStatus::Dropped) },
            Some(Turn::Skipped(at)) => DeliveryView { at: Some(*at), ..new(DeliveryStatus::Skipped) },
            // Of one that never wanted it nothing was sought.
            None if !is_open => new(DeliveryStatus::NotWanted),
            Some(Turn::Kept) | None => new(DeliveryStatus::Unknown),
        },
    };
    let Some(activation) = ran.filter(|activation| *activation != ActivationId(0)) else { return Ok(view) };
    let activation = sequencer.lock().tables().activation(activation)?.unwrap_or_default();
    Ok(DeliveryView { version: Some(activation.version), digest: Some(activation.digest), ..view })
}

fn handled(handling: &Handling, view: DeliveryView) -> DeliveryView {
    let Handling { at, attempt, published, .. } = handling;
    DeliveryView { at: Some(*at), attempt: Some(*attempt), published: published.clone(), ..view }
}

fn because(held: &HeldEvent, is_behind: bool) -> HeldBecause {
    match () {
        () if is_behind => HeldBecause::EarlierEvent,
        () if held.suspended.is_some() => HeldBecause::Probation,
        () if held.attempts > 0 || held.uncounted > 0 => HeldBecause::Retry,
        () => HeldBecause::Turn,
    }
}
