//! The encoding of transactions: round trips, encoded events, and values that older versions wrote.

use super::*;
use crate::{
    AttemptHistory, AttemptInputs, CommandChange, CommandOutcome, DeadLetter, HeldEvent, Key, RedriveId,
    Refusal, Role, Sequence, Timestamp,
};

fn event(id: &str) -> Event {
    Event { id: id.into(), source: "/test".into(), event_type: "thing.done".into(), ..Event::default() }
}

fn everything() -> Transaction {
    let dead = DeadLetter {
        event: event("3"),
        at: Timestamp(5),
        parks: true,
        redrives: 0,
        history: AttemptHistory::default(),
        inputs: AttemptInputs::default(),
        since: Sequence(0),
        sequenced_at: Some(Timestamp(4)),
    };
    let handled = Handled {
        consumer: ConsumerId(7),
        cause: Offset(3),
        advances: Some(12),
        outcome: Outcome::DeadLettered,
        events: vec![event("2")],
        state: vec![StateWrite { key: b"k".to_vec().into(), value: None }],
        timers: vec![TimerChange::Cancel { name: "t".into() }],
        held: vec![HeldChange {
            offset: Offset(1),
            event: Some(Box::new(HeldEvent::waiting(event("1"), Some(Timestamp(2))))),
        }],
        dead: vec![DeadChange { offset: Offset(3), letter: Some(Box::new(dead)) }],
        again: true,
        command: Some(Box::new(refused())),
        ..Handled::default()
    };
    let record = ConsumerRecord {
        id: ConsumerId(7),
        name: "stock".into(),
        generation: crate::Generation(1),
        state_generation: crate::Generation(1),
        partitions: 64,
        status: ConsumerStatus::Detached { since: Timestamp(9) },
        activation: crate::ActivationId(2),
        paused: Some(Timestamp(11)),
        pinned: Some("1".into()),
        history: history(),
        probation: Some(Box::new(probation())),
        role: Role::owner(vec!["stock.reserve".into()]),
    };
    Transaction {
        floors: vec![Floor { consumer: ConsumerId(7), offset: Offset(4), state_growth: 0 }],
        sections: vec![
            Section::Published(Published { events: vec![event("1")] }),
            Section::Handled(Box::new(handled)),
            Section::Fired(Box::new(Fired { consumer: ConsumerId(7), name: "t".into(), event: event("4") })),
            Section::Consumer(Box::new(ConsumerChanged {
                record,
                checkpoint: Some(Offset(0)),
                clears: true,
                events: vec![],
                recent: Some(RecentEvents::of(crate::ActivationId(2))),
            })),
            Section::Redrive(Box::new(RedriveChanged {
                jobs: vec![
                    RedriveChange { id: RedriveId(2), job: Some(Box::new(job())) },
                    RedriveChange { id: RedriveId(1), job: None },
                ],
                results: vec![(RedriveId(2), RedriveResults { handled: 3, dead_again: 1 })],
                events: vec![event("5")],
            })),
            refolded(),
            Section::Published(Published { events: vec![event("6")] }),
        ],
    }
}

fn refolded() -> Section {
    Section::Refolded(Box::new(Refolded {
        consumer: ConsumerId(7),
        state_generation: crate::Generation(1),
        state: vec![StateWrite { key: b"account/9".to_vec().into(), value: Some(vec![0; 30].into()) }],
    }))
}

/// One activation of each outcome.
fn history() -> ActivationHistory {
    let rolled_back = RolledBack {
        to: crate::ActivationId(3),
        at: Timestamp(4),
        cause: RollbackCause::Probation,
        measured: Measure { events: 20, failed: 5 },
        before: Measure { events: 1_000, failed: 1 },
        error: "unreachable".into(),
    };
    let mut history = ActivationHistory::default();
    for outcome in [
        ActivationOutcome::Replaced { by: crate::ActivationId(2), at: Timestamp(3) },
        ActivationOutcome::RolledBack(Box::new(rolled_back)),
        ActivationOutcome::Removed { at: Timestamp(5) },
        ActivationOutcome::Detached { since: Timestamp(6) },
        ActivationOutcome::Running,
    ] {
        history.begin(crate::ActivationId(history.entries().len() as u64), Timestamp(2));
        history.end(outcome);
    }
    history
}

fn probation() -> Probation {
    let mut before = RecentEvents::of(crate::ActivationId(1));
    let handled = Handled { activation: crate::ActivationId(1), attempt: 1, ..Handled::default() };
    before.note(&handled, 9);
    Probation {
        since: Timestamp(2),
        predecessor: crate::ActivationId(1),
        before,
        threshold_ppm: 50_000,
        stopped: true,
    }
}

fn job() -> RedriveJob {
    RedriveJob {
        id: RedriveId(2),
        selection: RedriveSelection {
            consumer: "stock".into(),
            event_type: Some("order.*".parse().unwrap()),
            reason: Some(crate::FailureCause::Reject),
            since: Some(Timestamp(3)),
            until: None,
        },
        as_of: Sequence(8),
        per_second: std::num::NonZeroU32::new(5),
        state: RedriveState::Running,
        started_at: Timestamp(6),
        ended_at: None,
        next: Offset(4),
        due_us: 6_200_000,
        selected: 9,
        redriven: 4,
        gone: 0,
    }
}

fn refused() -> CommandChange {
    let refusal = Refusal { code: "c".into(), message: "m".into(), data: b"{}".to_vec().into() };
    CommandChange::new(event("2").hash(), Some(CommandOutcome::Refused(refusal)))
}

#[test]
fn what_was_encoded_is_decoded_unchanged() {
    let transaction = everything();
    assert_eq!(Transaction::decode(&transaction.encode()).unwrap(), transaction);
    assert_eq!(
        transaction.events().map(|event| event.id.as_str()).collect::<Vec<_>>(),
        ["1", "2", "4", "5", "6"]
    );
}

#[test]
fn the_extensions_of_an_encoded_event_are_those_of_the_decoded_one() {
    let mut plain = event("1");
    plain.extensions.clear();
    let mut fact = plain.clone();
    fact.set_extension("a", "scopes");
    fact.set_extension("scopes", "account/9@1");
    let events = vec![plain, fact];
    let section = Section::Published(Published { events: events.clone() });
    let bytes = Transaction { sections: vec![section], ..Transaction::default() }.encode();
    let found: Vec<_> = EncodedEvents::of(&bytes, Offset(0)).unwrap().map(|found| found.unwrap().1).collect();
    for (encoded, decoded) in found.into_iter().zip(&events) {
        for name in ["a", "scopes", "account/9@1", "id", ""] {
            assert_eq!(encoded.has_extension(name).unwrap(), decoded.extension(name).is_some(), "{name}");
        }
        assert_eq!(EncodedEvent::from_bytes(encoded.bytes()).decode().unwrap(), *decoded);
        for cut in 0..encoded.bytes().len() {
            let cut = EncodedEvent::from_bytes(&encoded.bytes()[..cut]);
            assert!(cut.decode().is_err() && !matches!(cut.has_extension("z"), Ok(true)));
        }
    }
}

#[test]
fn events_are_found_in_encoded_transactions_as_in_decoded_ones() {
    let mut transaction = everything();
    transaction.sections.push(Section::Intervention(Box::new(Intervention {
        consumer: ConsumerId(7),
        held: vec![],
        dead: vec![],
        events: vec![event("6"), event("7")],
        timers: vec!["later".into()],
        commands: vec![(Offset(2), refused())],
    })));
    let commands = vec![(Offset(2), refused())];
    transaction
        .sections
        .push(Section::Intervention(Box::new(Intervention { commands, ..Intervention::default() })));
    transaction.sections.push(Section::Activated(Box::new(Activated {
        activation: Activation::default(),
        events: vec![event("8")],
    })));
    transaction.sections.push(Section::Published(Published { events: vec![] }));
    let bytes = transaction.encode();
    assert_eq!(Transaction::decode(&bytes).unwrap(), transaction);
    let mut body = Body::default();
    transaction.sections.iter().for_each(|section| body.push(section));
    let longer = [Transaction::encode_head(&transaction.floors), body.into_bytes()].concat();
    for bytes in [&bytes, &longer] {
        let found: Vec<(Offset, Event)> = EncodedEvents::of(bytes, Offset(5))
            .unwrap()
            .map(|found| found.map(|(offset, event)| (offset, event.decode().unwrap())).unwrap())
            .collect();
        let offsets = (5..).map(Offset);
        assert_eq!(found, offsets.zip(transaction.events().cloned()).collect::<Vec<_>>());
        for found in EncodedEvents::of(bytes, Offset(5)).unwrap() {
            assert_eq!(found.unwrap().1.event_type().unwrap(), "thing.done");
        }
    }
    for cut in 0..bytes.len() {
        let cut = bytes.get(..cut).unwrap();
        let found = EncodedEvents::of(cut, Offset(5))
            .and_then(|mut events| events.try_for_each(|event| event.map(drop)));
        assert!(found.is_err(), "what is cut off at {} has an end", cut.len());
    }
}

#[test]
fn a_body_built_section_by_section_means_the_same() {
    let transaction = everything();
    let mut body = Body::default();
    body.push(&Section::Published(Published { events: vec![event("too much")] }));
    body.push(transaction.sections.first().unwrap());
    let mark = body.mark();
    body.push(&Section::Published(Published { events: vec![event("taken back")] }));
    body.undo(mark);
    transaction.sections.iter().skip(1).for_each(|section| body.push(section));
    let mut bytes = Transaction::encode_head(&transaction.floors);
    let size = body.len();
    bytes.append(&mut body.into_bytes());
    let mut decoded = Transaction::decode(&bytes).unwrap();
    assert_eq!(size, bytes.len() - Transaction::encode_head(&transaction.floors).len());
    decoded.sections.remove(0);
    assert_eq!(decoded, transaction);
}

#[test]
fn a_newer_format_and_garbage_are_refused() {
    let mut bytes = everything().encode();
    bytes[0] = 9;
    assert!(matches!(Transaction::decode(&bytes), Err(DecodeError::Version { found: 9 })));
    assert!(matches!(Transaction::decode(&[VERSION, 0xc1]), Err(DecodeError::Malformed(_))));
    assert!(matches!(Transaction::decode(&[]), Err(DecodeError::Malformed(_))));
    assert!(matches!(EncodedEvents::of(&bytes, Offset(0)), Err(DecodeError::Version { found: 9 })));
    assert!(matches!(EncodedEvents::of(&[VERSION, 0xc1], Offset(0)), Err(DecodeError::Malformed(_))));
    assert!(matches!(EncodedEvents::of(&[], Offset(0)), Err(DecodeError::Malformed(_))));
}

#[test]
fn values_of_before_there_were_redrive_jobs_are_read() {
    let (history, inputs) = (AttemptHistory::default(), AttemptInputs::default());
    let held = rmp_serde::to_vec(&(event("1"), 2, Some(Timestamp(3)), Timestamp(4), 5, &history)).unwrap();
    let held: HeldEvent = rmp_serde::from_slice(&held).unwrap();
    assert_eq!((held.attempts, held.due, held.redrives, held.redriven_by), (2, Timestamp(4), 5, None));
    let dead = rmp_serde::to_vec(&(event("1"), Timestamp(3), true, 5, &history, &inputs)).unwrap();
    let dead: DeadLetter = rmp_serde::from_slice(&dead).unwrap();
    assert_eq!((dead.at, dead.redrives, dead.since), (Timestamp(3), 5, Sequence(0)));
}

#[test]
fn a_consumer_written_before_it_could_be_paused_or_had_a_history_has_neither() {
    let record = ConsumerRecord {
        id: ConsumerId(7),
        name: "stock".into(),
        generation: crate::Generation(1),
        state_generation: crate::Generation(1),
        partitions: 64,
        status: ConsumerStatus::Attached,
        activation: crate::ActivationId(2),
        paused: None,
        pinned: None,
        history: ActivationHistory::default(),
        probation: None,
        role: Role::Handler,
    };
    // An array of seven: the fields up to the activation.
    let old = b"\x97\x07\xa5stock\x01\x01\x40\xa10\x02";
    assert_eq!(rmp_serde::from_slice::<ConsumerRecord>(old).unwrap(), record);
    let without_history = [&old.map(|byte| if byte == 0x97 { 0x98 } else { byte })[..], b"\xc0"].concat();
    assert_eq!(rmp_serde::from_slice::<ConsumerRecord>(&without_history).unwrap(), record);
    let new = rmp_serde::to_vec(&record).unwrap();
    let without_role = [b"\x9b", new.get(1..new.len() - 2).unwrap()].concat();
    assert_eq!(rmp_serde::from_slice::<ConsumerRecord>(&without_role).unwrap(), record);
    assert_eq!(
        (new.first(), new.get(without_history.len()..)),
        (Some(&0x9c), Some(&b"\xc0\x90\xc0\xa10"[..]))
    );
}

#[test]
fn values_of_before_there_was_probation_are_read() {
    /// The encoding without its last field, which takes one byte.
    fn without_last(mut bytes: Vec<u8>) -> Vec<u8> {
        bytes.pop();
        bytes[0] -= 1;
        bytes
    }
    let handled = Handled { attempt: 3, ..Handled::default() };
    let old = without_last(rmp_serde::to_vec(&handled).unwrap());
    assert_eq!(rmp_serde::from_slice::<Handled>(&old).unwrap(), handled);
    let activation = Activation { digest: "1".into(), ..Activation::default() };
    let old = without_last(rmp_serde::to_vec(&activation).unwrap());
    assert_eq!(rmp_serde::from_slice::<Activation>(&old).unwrap(), activation);
    let Some(Section::Consumer(changed)) = everything().sections.into_iter().nth(3) else { panic!() };
    let changed = ConsumerChanged { recent: None, ..*changed };
    let old = without_last(rmp_serde::to_vec(&changed).unwrap());
    assert_eq!(rmp_serde::from_slice::<ConsumerChanged>(&old).unwrap(), changed);
}

#[test]
fn keys_survive_the_codec() {
    for key in [Key::Ordered("UA".into()), Key::Unordered(Offset(3))] {
        let bytes = rmp_serde::to_vec(&key).unwrap();
        assert_eq!(rmp_serde::from_slice::<Key>(&bytes).unwrap(), key);
    }
}
