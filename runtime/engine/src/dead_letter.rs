//! How a held event becomes a dead letter, by a batch or by an operator, and the event that tells of it.

use camshaft_event::{
    AfterDeadLetter, AttemptInputs, DeadLetter, Event, Generation, HeldEvent, Key, Offset, Sequence,
    Timestamp,
};

use crate::published;
use crate::system_event::SystemEvent;

/// Whose dead letter it becomes, and where it lies.
#[derive(Clone, Copy)]
pub(crate) struct Owner<'n> {
    pub(crate) consumer: &'n str,
    pub(crate) generation: Generation,
    pub(crate) offset: Offset,
}

/// Whether later events of its key wait behind a dead letter.
pub(crate) fn parks(after_dead_letter: AfterDeadLetter, key: &Key) -> bool {
    after_dead_letter == AfterDeadLetter::Park && matches!(key, Key::Ordered(_))
}

/// The dead letter that an event with the story of its attempts becomes.
pub(crate) fn of(story: HeldEvent, at: Timestamp, parks: bool, inputs: AttemptInputs) -> DeadLetter {
    DeadLetter {
        event: story.event,
        at,
        parks,
        redrives: story.redrives,
        history: story.history,
        inputs,
        since: Sequence::default(),
        sequenced_at: story.sequenced_at,
    }
}

/// The event that tells of it; `is_by_hand` if an operator sets it aside.
pub(crate) fn announcement(owner: Owner<'_>, story: &HeldEvent, is_by_hand: bool, now: Timestamp) -> Event {
    let latest = story.history.latest();
    let added = SystemEvent::DeadLetterAdded {
        consumer: owner.consumer,
        generation: owner.generation,
        offset: owner.offset,
        event_type: &story.event.event_type,
        reason: latest.map(|latest| latest.cause),
        error: latest.and_then(|latest| latest.error.lines().next()).unwrap_or_default(),
        attempts: story.attempts,
        redrives: story.redrives,
        is_by_hand,
    };
    let mut event = added.at(now);
    // It counts as a hop: a plugin that answers dead letters with events that become dead letters must end.
    published::follow(&mut event, &story.event, 0);
    event
}
