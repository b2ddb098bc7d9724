//! `runtime/EVENTS.md` lists each type with each field of its data.

use std::collections::{BTreeMap, BTreeSet};

use camshaft_event::transaction::{RedriveJob, RedriveSelection, RedriveState, RollbackCause};

use super::*;

/// One event of each kind, and of each shape that its data has.
#[expect(clippy::too_many_lines, reason = "a list of events")]
fn samples(tell: &mut dyn FnMut(SystemEvent<'_>)) {
    let (consumer, sequence, generation) = ("orders", Sequence(9), Generation(2));
    let measures = (Measure::default(), Measure::default());
    let activation = Activation { id: ActivationId(4), version: "1.0.0".to_owned(), ..Activation::default() };
    let pauses = [
        PauseBegins::Operator,
        PauseBegins::Probation { activation: activation.id, error: Some("no"), measures },
        PauseBegins::Breaker { until: Timestamp(0) },
        PauseBegins::Bound { held: 1, dead: 2 },
        PauseBegins::Damaged { part: "event 7", error: "its checksum is wrong" },
    ];
    pauses.into_iter().for_each(|pause| tell(SystemEvent::Paused { consumer, pause, sequence }));
    let ends = [
        PauseEnds::Operator,
        PauseEnds::Probation,
        PauseEnds::Breaker,
        PauseEnds::Bound { held: 1, dead: 2 },
        PauseEnds::Damaged,
    ];
    ends.into_iter().for_each(|pause| tell(SystemEvent::Resumed { consumer, pause, sequence }));
    tell(SystemEvent::Detached { consumer, sequence });
    tell(SystemEvent::Removed { consumer, generation });
    let dropped = Dropped { held: 1, dead: 2, timers: 3 };
    tell(SystemEvent::Reset { consumer, generation, offset: Offset(5), kept_state: true, dropped });
    tell(SystemEvent::Skipped { consumer, skipped: &Skipped::default(), sequence });
    tell(SystemEvent::Gap { consumer, generation, missed_from: Offset(1), missed_until: Offset(2) });
    tell(SystemEvent::Activated { consumer, activation: &activation });
    let told = RolledBack {
        to: ActivationId(5),
        at: Timestamp(0),
        cause: RollbackCause::Probation,
        measured: measures.0,
        before: measures.1,
        error: String::new(),
    };
    let after = Activation { id: told.to, ..activation.clone() };
    tell(SystemEvent::RolledBack { consumer, before: &activation, after: &after, told: &told });
    tell(SystemEvent::Accepted { consumer, activation: activation.id, measures });
    tell(SystemEvent::Refused {
        file: "a.wasm",
        code: RefusalCode::NotWasm,
        message: "it is text",
        sequence,
    });
    tell(SystemEvent::Pinned { consumer, digest: Some("sha256:0"), sequence });
    tell(SystemEvent::Pinned { consumer, digest: None, sequence });
    tell(SystemEvent::DeadLetterAdded {
        consumer,
        generation,
        offset: Offset(7),
        event_type: "order.placed",
        reason: Some(FailureCause::Reject),
        error: "no",
        attempts: 1,
        redrives: 0,
        is_by_hand: false,
    });
    tell(SystemEvent::HeldRetried { consumer, offset: Offset(7), sequence });
    for (act, job) in [
        (DeadLetterAct::Redriven, None),
        (DeadLetterAct::Redriven, Some(RedriveId(1))),
        (DeadLetterAct::Discarded, None),
    ] {
        let offset = Offset(7);
        tell(SystemEvent::DeadLetterGone { consumer, generation, offset, act, redrives: 1, job });
    }
    let selection = RedriveSelection {
        consumer: consumer.to_owned(),
        event_type: None,
        reason: None,
        since: None,
        until: None,
    };
    let job = RedriveJob {
        id: RedriveId(1),
        selection,
        as_of: sequence,
        per_second: None,
        state: RedriveState::Running,
        started_at: Timestamp(0),
        ended_at: None,
        next: Offset(0),
        due_us: 0,
        selected: 2,
        redriven: 1,
        gone: 0,
    };
    tell(SystemEvent::RedriveStarted { job: &job });
    tell(SystemEvent::RedriveEnded { job: &job, is_cancelled: false });
    tell(SystemEvent::RedriveEnded { job: &job, is_cancelled: true });
}

/// The types of a page's headings, each with the names that its list begins lines with or names after a
/// colon's word.
fn listed(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut types = BTreeMap::new();
    for section in page.split("\n### `").skip(1) {
        let (name, text) = section.split_once('`').expect("a heading ends with a backtick");
        let fields = text.lines().filter_map(|line| line.strip_prefix("- ")).flat_map(|line| {
            let names = line.split_once(':').expect("a line of a list names fields, then a colon").0;
            names.split(", ").map(|name| name.trim_matches('`').to_owned()).collect::<Vec<_>>()
        });
        types.insert(name.to_owned(), fields.collect());
    }
    types
}

#[test]
fn the_page_of_events_lists_each_type_with_the_fields_that_it_has() {
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    samples(&mut |event| {
        let event = event.at(Timestamp(0));
        let data: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&event.data).unwrap();
        told.entry(event.event_type).or_default().extend(data.into_iter().map(|(name, _)| name));
    });
    let types: BTreeSet<String> = TYPES.iter().map(|kind| format!("camshaft.{kind}")).collect();
    assert_eq!(told.keys().cloned().collect::<BTreeSet<_>>(), types, "each type has a sample");
    let page = listed(include_str!("../../../EVENTS.md"));
    for (kind, fields) in &told {
        assert_eq!(page.get(kind), Some(fields), "runtime/EVENTS.md about {kind}");
    }
    assert_eq!(page.len(), told.len(), "the page lists a type that is none");
}

#[test]
fn each_event_has_an_id_of_its_own() {
    let mut ids = BTreeSet::new();
    let mut count = 0;
    samples(&mut |event| {
        // Samples that differ in the pause only stand for different transactions; so do those of one dead
        // letter.
        let event = event.at(Timestamp(0));
        count += usize::from(ids.insert((event.event_type, event.id)));
    });
    assert_eq!(count, TYPES.len());
    let distinct: BTreeSet<&String> = ids.iter().map(|(_, id)| id).collect();
    assert_eq!(distinct.len(), TYPES.len(), "two types share an id");
}
