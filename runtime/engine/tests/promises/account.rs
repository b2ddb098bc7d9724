//! What an attempt makes the runtime keep is charged to it, and its first refusal ends it.

use std::cell::Cell;
use std::rc::Rc;

use camshaft_engine::Attempt;
use camshaft_event::{AttemptContext, EffectError, FailureCause, LogLevel, NewEvent, Timestamp};

use super::harness::{World, done, spec};

/// A limit that short loops reach, above the transactions of these tests.
const LIMIT: usize = 64 * 1024;

/// One thing that a guest may do without end.
type Act = fn(&mut Attempt, u32) -> Result<(), EffectError>;

fn small_event() -> NewEvent {
    let extensions = (0..20).map(|number| (format!("x{number}"), String::new())).collect();
    NewEvent { event_type: "thing.followed".into(), extensions, ..NewEvent::default() }
}

/// A world with one event, whose handler does `act` again and again for as long as it may.
fn lead_to_refusal(act: Act) -> (World, usize) {
    let mut world = World::with_segments(16 << 20, |options| {
        options.max_attempt_bytes = LIMIT;
        options.max_transaction_bytes = 1 << 20;
        options.max_published_events = 100_000;
    });
    let done_acts = Rc::new(Cell::new(0));
    let count = Rc::clone(&done_acts);
    world.attach(spec("greedy", &["thing.happened"]), move |_, attempt| {
        let refusal = (0..100_000).find_map(|number| {
            count.set(count.get() + 1);
            act(attempt, number).err()
        });
        let refusal = refusal.expect("nothing may be kept without end");
        let kept = attempt.kept_bytes();
        assert!(kept < LIMIT + 8 * 1024, "{kept} bytes are kept");
        // From here on nothing is done or kept.
        assert_eq!(attempt.refusal(), Some(&refusal));
        assert_eq!(attempt.get(b"more"), Err(refusal.clone()));
        assert_eq!(attempt.set(b"more", b"v"), Err(refusal.clone()));
        assert_eq!(attempt.delete(b"more"), Err(refusal.clone()));
        assert_eq!(attempt.scan(b"", None, 1), Err(refusal.clone()));
        assert_eq!(attempt.publish(small_event()), Err(refusal.clone()));
        assert_eq!(attempt.schedule("more", small_event(), Timestamp(0)), Err(refusal.clone()));
        assert_eq!(attempt.cancel("more"), Err(refusal));
        assert_eq!(attempt.kept_bytes(), kept);
        done()
    });
    world.put("a", "k");
    world.settle_all();
    let count = done_acts.get();
    (world, count)
}

#[test]
fn everything_that_is_kept_for_an_attempt_has_one_limit_that_names_itself() {
    let acts: [(&str, Act); 7] = [
        ("reads of absent keys", |attempt, number| attempt.get(&key(number, 1_900)).map(drop)),
        ("scans that find nothing", |attempt, number| attempt.scan(&key(number, 1_900), None, 9).map(drop)),
        ("short keys that are written", |attempt, number| attempt.set(&key(number, 5), b"")),
        ("keys that are deleted", |attempt, number| attempt.delete(&key(number, 5))),
        ("events with many extensions", |attempt, _| attempt.publish(small_event())),
        ("timers", |attempt, number| {
            attempt.schedule(&number.to_string(), small_event(), Timestamp(u64::MAX))
        }),
        ("timers that are cancelled", |attempt, number| attempt.cancel(&number.to_string())),
    ];
    for (what, act) in acts {
        let (world, count) = lead_to_refusal(act);
        let (_, letter) = world.dead("greedy").remove(0);
        let latest = letter.history.latest().unwrap();
        assert_eq!(latest.cause, FailureCause::Refused, "{what}");
        assert!(
            latest.error.contains("exceeds the limit of 65536 (setting `limits.max_attempt_bytes`)"),
            "{what}: {}",
            latest.error
        );
        assert!(count < 1_000, "{what}: {count} times");
        assert!(world.state("greedy").is_empty(), "{what}");
    }
}

fn key(number: u32, bytes: usize) -> Vec<u8> {
    let mut key = format!("{number:05}").into_bytes();
    key.resize(bytes, b'k');
    key
}

#[test]
fn log_lines_count_and_are_taken_after_a_refusal_too() {
    let (mut world, _) = lead_to_refusal(|attempt, number| {
        attempt.log(LogLevel::Info, &"x".repeat(8 * 1024), &[]);
        attempt.get(&key(number, 5)).map(drop)
    });
    world.attach(spec("refused", &["thing.else"]), |_, attempt| {
        assert!(attempt.set(b"", b"").is_err());
        attempt.log(LogLevel::Info, "last words", &[]);
        assert_eq!(attempt.take_log().len(), 1);
        done()
    });
    let mut event = super::harness::event("b", "k");
    event.event_type = "thing.else".into();
    world.publish(vec![event]);
    world.settle_all();
    assert_eq!(world.called("refused"), ["b"]);
}

#[test]
fn what_an_instance_uses_counts_beside_what_is_kept_for_its_attempt() {
    let mut world = World::new();
    world.attach(spec("small", &["thing.happened"]), |_, attempt| {
        attempt.set_instance_memory(7_000_000, 8_000_000);
        let found = (0..10_000).find_map(|number| attempt.get(&key(number, 1_900)).err());
        let text = found.unwrap().to_string();
        assert!(text.contains("exceeds the limit of 8000000 (setting `limits.memory`)"), "{text}");
        assert!((1_000_000..1_010_000).contains(&attempt.kept_bytes()), "{}", attempt.kept_bytes());
        done()
    });
    world.put("a", "k");
    world.settle_all();
    assert_eq!(world.standing("small").dead, 1);
}

#[test]
fn reading_and_writing_the_same_keys_again_costs_nothing() {
    let mut world = World::with(|options| options.max_attempt_bytes = LIMIT);
    world.attach(spec("honest", &["thing.happened"]), |_, attempt| {
        for round in 0..10_000_u32 {
            attempt.get(b"counter").unwrap();
            attempt.scan(b"count", None, 1).unwrap();
            attempt.set(b"counter", &round.to_be_bytes()).unwrap();
        }
        done()
    });
    world.put("a", "k");
    world.settle_all();
    assert_eq!(world.standing("honest").dead, 0);
}

#[test]
fn a_full_transaction_of_a_thousand_events_is_within_the_usual_limit() {
    let mut world = World::with_segments(16 << 20, |options| {
        options.max_transaction_bytes = 4 << 20;
        options.max_event_bytes = 1 << 20;
    });
    world.attach(spec("honest", &["thing.happened"]), |_, attempt| {
        for number in 0..1_000_u32 {
            let data = vec![b'x'; 3_500];
            attempt.publish(NewEvent { data, ..small_event() }).unwrap();
            attempt.set(&key(number, 8), b"value").unwrap();
        }
        done()
    });
    world.put("a", "k");
    world.settle_all();
    assert_eq!(world.standing("honest").dead, 0);
    assert_eq!(world.state("honest").len(), 1_000);
}

#[test]
fn a_batch_ends_once_its_attempts_have_kept_a_quarter_of_what_one_may() {
    let mut world = World::with(|options| options.max_attempt_bytes = LIMIT);
    let mut declared = spec("reading", &["thing.happened"]);
    declared.policy.partitions = 1;
    world.attach(declared, |event, attempt| {
        for number in 0..5 {
            attempt.get(&key(number + 5 * event.id.parse::<u32>().unwrap(), 1_900)).unwrap();
        }
        done()
    });
    world.put_range(0..8, "k");
    world.sync();
    world.read();
    let before = world.called("reading").len();
    world.step().unwrap();
    assert_eq!(world.called("reading").len() - before, 1, "ten kilobytes of keys, kept twice");
}

#[test]
fn a_refusal_quotes_no_more_of_a_guests_text_than_people_read() {
    let mut world = World::new();
    let mut declared = spec("wordy", &["thing.happened"]);
    declared.publishes = Some(Vec::new());
    world.attach(declared, |_, attempt| {
        let error = attempt.publish(NewEvent { event_type: "ü".repeat(100_000), ..NewEvent::default() });
        let text = error.unwrap_err().to_string();
        assert!(text.len() < 1_200 && text.contains("üü…"), "{} bytes", text.len());
        done()
    });
    world.put("a", "k");
    world.settle_all();
    assert_eq!(world.standing("wordy").dead, 1);
}
