//! Short ways to say what most tests say: an event, a consumer, an answer.

use std::collections::BTreeMap;

use camshaft_engine::{Attempt, ConsumerSpec};
use camshaft_event::{
    Answer, AttemptContext, Backoff, Event, FailureCause, Key, NewEvent, Policy, Role, Start, Subscription,
};

/// An event of type `thing.happened`, ordered by `key` unless that is empty.
pub fn event(id: &str, key: &str) -> Event {
    Event {
        id: id.to_owned(),
        source: "/test".to_owned(),
        event_type: "thing.happened".to_owned(),
        subject: (!key.is_empty()).then(|| key.to_owned()),
        data: b"{}".to_vec(),
        ..Event::default()
    }
}

/// A key that falls into that one of four partitions.
pub fn key_in(partition: u32) -> String {
    let keys = (0..).map(|number| format!("k{number}"));
    keys.into_iter().find(|key| Key::Ordered(key.as_str().into()).partition(4) == partition).unwrap()
}

/// A consumer of `types` with four partitions and a backoff of at most 100 ms.
pub fn spec(name: &str, types: &[&str]) -> ConsumerSpec {
    let types = types.iter().map(|pattern| pattern.parse().unwrap()).collect();
    ConsumerSpec {
        name: name.to_owned(),
        role: Role::Handler,
        subscriptions: vec![Subscription {
            handler: "handle".to_owned(),
            types,
            filter: None,
            commands: false,
        }],
        publishes: None,
        policy: Policy { partitions: 4, backoff: Backoff { base_ms: 100, max_ms: 100 }, ..Policy::default() },
        start: Start::Earliest,
        config: BTreeMap::new(),
        grants: Vec::new(),
        digest: String::new(),
        version: String::new(),
        state_revision: 0,
        code: 0,
    }
}

pub fn done() -> Answer {
    Answer::Done
}

pub fn retry() -> Answer {
    Answer::Retry { after_ms: None, reason: "not yet".to_owned() }
}

pub fn reject() -> Answer {
    Answer::Reject { reason: "never".to_owned() }
}

pub fn trap() -> Answer {
    Answer::Failed { cause: FailureCause::Trap, error: "unreachable".to_owned() }
}

/// Adds the event's id to the list under its key. The list tells order, losses and doubles.
pub fn note(event: &Event, attempt: &mut Attempt) -> Answer {
    append(event.ordering_key().unwrap_or("(none)"), &event.id, attempt);
    done()
}

/// Adds `id` to the list under `key`.
pub fn append(key: &str, id: &str, attempt: &mut Attempt) {
    let mut list = attempt.get(key.as_bytes()).unwrap().unwrap_or_default();
    if !list.is_empty() {
        list.push(b' ');
    }
    list.extend_from_slice(id.as_bytes());
    attempt.set(key.as_bytes(), &list).unwrap();
}

/// Publishes an event of `event_type` with the cause's subject.
pub fn publish(event_type: &str, attempt: &mut Attempt) {
    attempt.publish(NewEvent { event_type: event_type.to_owned(), ..NewEvent::default() }).unwrap();
}
