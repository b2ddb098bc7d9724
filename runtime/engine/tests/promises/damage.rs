//! What one consumer needs and cannot be read pauses that consumer; all others go on, and an operator lets it
//! go on.

use camshaft_engine::{ConsumerError, DamagedPart, Pause, ResetPlace, ResetTo, Skipped};
use camshaft_event::transaction::RedriveSelection;
use camshaft_event::{AttemptContext, NewEvent, Offset};
use camshaft_tables::TablePart;

use super::harness::{World, done, key_in, note, reject, retry, spec};

/// Tags of tables, as they stand in the store.
const FLOOR: u8 = 4;
const STATE: u8 = 6;
const HELD: u8 = 7;
const DEAD: u8 = 8;
const TIMER: u8 = 9;

fn ids(from: usize, until: usize) -> String {
    (from..until).map(|id| id.to_string()).collect::<Vec<_>>().join(" ")
}

/// A world with 40 events of one key, the `damaged`th of which is damaged `byte` bytes behind its record's
/// start, and a consumer that comes late, beside one that has handled all.
fn late_to_damage(damaged: u64, byte: usize) -> World {
    let mut world = World::with(|options| options.window_events = 10);
    world.attach(spec("early", &["thing.*"]), note);
    world.settle();
    let mut sequences = Vec::new();
    for id in 0..40 {
        world.put(&id.to_string(), "k");
        sequences.push(world.sequencer().sequenced().sequence.0);
        world.settle();
    }
    world.damage_record(sequences[usize::try_from(damaged).unwrap()], byte);
    world.attach(spec("late", &["thing.*"]), note);
    world.settle();
    world
}

fn is_damaged(world: &World, name: &str) -> bool {
    world.standing(name).pauses.contains(&Pause::Damaged)
}

fn skip(world: &mut World, name: &str) -> Result<Skipped, ConsumerError> {
    let now = world.now();
    world.sequencer().skip(name, None, now)
}

fn reset(world: &mut World, name: &str, keep_state: bool) {
    let now = world.now();
    world.sequencer().reset(name, ResetTo { place: ResetPlace::Earliest, keep_state }, now).unwrap();
}

#[test]
fn a_damaged_record_pauses_the_consumer_that_lags_and_nobody_else() {
    // In its header: the length, the sequence, the checksum; in its payload: the first and a later byte.
    for byte in [0, 8, 44, 48, 70] {
        let mut world = late_to_damage(17, byte);
        assert!(is_damaged(&world, "late"), "byte {byte}");
        assert!(!is_damaged(&world, "early"));
        let damage = world.standing("late").damage;
        let DamagedPart::Events { from, until } = damage[0].part.clone() else { panic!("{damage:?}") };
        assert_eq!(until, from.next(), "one record with one event");
        assert!(damage[0].reason.contains(".segment"), "{damage:?}");
        assert_eq!(world.sequencer().damaged(), ["late"]);

        world.put("40", "k");
        world.settle();
        assert_eq!(world.state("early")["k"], ids(0, 41), "it goes on");
        assert!(world.standing("late").in_flight == 0 && world.standing("late").lag > 0);
        let told = world.told("camshaft.consumer.paused");
        assert_eq!((&told[0]["consumer"], &told[0]["reason"]), (&"late".into(), &"damaged".into()));

        assert_eq!(skip(&mut world, "late").unwrap().events, Some((from, until)));
        world.settle();
        assert_eq!(world.state("late")["k"], format!("{} {}", ids(0, 17), ids(18, 41)), "byte {byte}");
        let told = world.told("camshaft.consumer.skipped");
        assert_eq!((&told[0]["from"], &told[0]["until"]), (&from.0.into(), &until.0.into()));
        assert_eq!(world.told("camshaft.consumer.resumed").len(), 1);
    }
}

#[test]
fn a_damaged_consumer_that_is_resumed_or_reset_before_the_damage_meets_it_again() {
    let mut world = late_to_damage(17, 50);
    let now = world.now();
    world.sequencer().resume("late", now).unwrap();
    world.settle();
    assert!(is_damaged(&world, "late"), "the record is damaged still");
    reset(&mut world, "late", false);
    world.settle();
    assert!(is_damaged(&world, "late"), "a reset before the damage meets it again");
    skip(&mut world, "late").unwrap();
    world.settle();
    assert!(!is_damaged(&world, "late"));
}

#[test]
fn a_consumer_that_is_not_damaged_skips_nothing() {
    let mut world = late_to_damage(17, 50);
    let refused = skip(&mut world, "early");
    assert!(matches!(refused, Err(ConsumerError::NotDamaged { .. })), "{refused:?}");
}

#[test]
fn what_was_skipped_stays_skipped_after_a_crash() {
    let mut world = late_to_damage(17, 50);
    skip(&mut world, "late").unwrap();
    world.settle();
    world.flush();
    world.kill();
    world.verifies_all = false;
    world.restart();
    world.put("40", "k");
    world.settle();
    assert!(!is_damaged(&world, "late"));
    assert_eq!(world.state("late")["k"], format!("{} {}", ids(0, 17), ids(18, 41)));
}

/// A consumer with a held event of one key, whose entry is damaged, beside one that is sound.
fn held_and_damaged() -> World {
    let mut world = World::new();
    world.attach(spec("stuck", &["thing.*"]), |event, attempt| {
        if event.id == "bad" && attempt.attempt() < 3 { retry() } else { note(event, attempt) }
    });
    world.attach(spec("sound", &["thing.*"]), note);
    world.put("bad", "k");
    world.put("behind", "k");
    world.settle();
    assert!(world.flush());
    assert_eq!(world.damage_table(HELD), 2);
    world
}

#[test]
fn a_damaged_held_event_pauses_its_consumer_until_it_is_skipped() {
    let mut world = held_and_damaged();
    world.settle_all();
    assert!(is_damaged(&world, "stuck") && !is_damaged(&world, "sound"));
    let part = world.standing("stuck").damage[0].part.clone();
    assert_eq!(part, DamagedPart::Entries(TablePart::Held(Offset(2))), "{part}");
    world.put("later", "k2");
    world.settle_all();
    assert_eq!(world.state("sound")["k2"], "later", "others go on");
    assert_eq!(world.called("stuck"), ["bad"], "it takes nothing, and no attempt counts");

    let now = world.now();
    let refused = world.sequencer().skip("stuck", Some(Offset(4)), now);
    assert!(matches!(refused, Err(ConsumerError::NoDamagedEvents { .. })), "{refused:?}");
    assert_eq!(skip(&mut world, "stuck").unwrap().held, [Offset(2)]);
    world.settle_all();
    assert_eq!(skip(&mut world, "stuck").unwrap().held, [Offset(3)], "the one behind it is damaged, too");
    world.settle_all();
    assert!(!is_damaged(&world, "stuck"));
    assert_eq!(world.state("stuck")["k2"], "later");
    assert_eq!(world.standing("stuck").held + world.standing("stuck").retrying, 0);
}

#[test]
fn entries_that_are_damaged_at_the_start_pause_their_consumer_and_only_a_reset_mends_that() {
    let mut world = held_and_damaged();
    world.kill();
    world.restart();
    world.settle_all();
    assert!(is_damaged(&world, "stuck") && !is_damaged(&world, "sound"));
    let now = world.now();
    world.sequencer().resume("stuck", now).unwrap();
    assert!(is_damaged(&world, "stuck"), "what memory does not know it cannot handle");
    let refused = skip(&mut world, "stuck");
    assert!(matches!(refused, Err(ConsumerError::NotSkippable { .. })), "{refused:?}");
    world.put("later", "k2");
    world.settle_all();
    assert_eq!(world.state("sound")["k2"], "later", "others go on");
    reset(&mut world, "stuck", false);
    world.settle_all();
    assert!(!is_damaged(&world, "stuck"));
    assert_eq!(world.state("stuck")["k"], "bad behind");
    world.flush();
    world.kill();
    world.restart();
    world.settle_all();
    assert!(!is_damaged(&world, "stuck"), "what was damaged is gone");
}

#[test]
fn where_a_damaged_consumer_stands_is_not_made_up() {
    let mut world = World::new();
    world.attach(spec("sound", &["thing.*"]), note);
    world.put("0", "k");
    world.settle();
    assert!(world.flush());
    assert_eq!(world.damage_table(FLOOR), 1);
    world.kill();
    world.restart();
    world.put("1", "k");
    world.settle();
    assert!(is_damaged(&world, "sound"));
    world.flush();
    assert_eq!(world.stored().into_iter().find(|(key, _)| key[0] == FLOOR).unwrap().1, b"\xc1");
    assert_eq!(world.called("sound"), ["0"], "nothing is handled twice, or at all");
}

#[test]
fn a_damaged_state_value_costs_no_attempt_and_a_reset_mends_it() {
    let mut world = World::new();
    world.attach(spec("reads", &["thing.*"]), |event, attempt| {
        // What a handler makes of the refusal does not matter.
        if attempt.get(b"k").is_err() { done() } else { note(event, attempt) }
    });
    world.attach(spec("sound", &["thing.*"]), |_, _| done());
    world.put("0", "k");
    world.settle();
    assert!(world.flush());
    assert_eq!(world.damage_table(STATE), 1);
    world.put("1", "k");
    world.settle_all();
    let standing = world.standing("reads");
    assert_eq!(standing.damage[0].part, DamagedPart::Entries(TablePart::State));
    assert_eq!((standing.retrying, standing.dead, standing.in_flight), (0, 0, 0), "its event waits");
    assert_eq!(world.called("sound"), ["0", "1"]);
    assert!(matches!(skip(&mut world, "reads"), Err(ConsumerError::NotSkippable { .. })));
    reset(&mut world, "reads", false);
    world.settle_all();
    assert_eq!(world.state("reads")["k"], "0 1");
}

#[test]
fn a_damaged_timer_holds_up_no_other_and_is_dropped_when_skipped() {
    let mut world = World::new();
    let set = |name: &'static str| {
        move |_: &camshaft_event::Event, attempt: &mut camshaft_engine::Attempt| {
            let event = NewEvent { event_type: "fired".to_owned(), ..NewEvent::default() };
            let at = attempt.now().plus_ms(100);
            attempt.schedule(name, event, at).unwrap();
            done()
        }
    };
    world.attach(spec("a", &["thing.*"]), set("one"));
    world.put("0", "k");
    world.settle();
    assert!(world.flush());
    assert_eq!(world.damage_table(TIMER), 1);
    world.attach(spec("b", &["other.*"]), set("two"));
    let mut other = super::harness::event("1", "k");
    other.event_type = "other.happened".to_owned();
    world.publish(vec![other]);
    world.settle_all();
    assert!(is_damaged(&world, "a") && !is_damaged(&world, "b"));
    let fired = world.events().into_iter().filter(|event| event.event_type == "fired").count();
    assert_eq!(fired, 1, "the other one's timer");
    assert_eq!(skip(&mut world, "a").unwrap().timers, ["one"]);
    world.settle_all();
    assert!(!is_damaged(&world, "a"));
    assert_eq!(world.standing("a").timers, 0);
}

#[test]
fn a_damaged_dead_letter_that_is_discarded_can_be_skipped_and_hides_no_other() {
    let mut world = World::new();
    world.attach(spec("fails", &["thing.*"]), |_, _| reject());
    let offset = world.put("0", &key_in(0));
    world.settle_all();
    assert!(world.flush());
    world.damage_table(DEAD);
    world.put("1", &key_in(1));
    world.settle_all();
    assert_eq!(world.dead("fails").len(), 1, "the sound one is listed");
    let now = world.now();
    let refused = world.sequencer().discard("fails", offset, now);
    assert!(refused.is_err_and(|error| error.to_string().contains(&format!("dead letter {offset}"))));
    assert!(is_damaged(&world, "fails"));
    assert_eq!(skip(&mut world, "fails").unwrap().dead, [offset]);
    assert_eq!(world.standing("fails").dead, 1);
}

#[test]
fn a_damaged_dead_letter_stops_its_job_and_nothing_else() {
    let mut world = World::new();
    world.attach(spec("fails", &["thing.*"]), |event, attempt| {
        if event.id.starts_with("bad") && event.data == b"{}" { reject() } else { note(event, attempt) }
    });
    world.put("bad1", &key_in(0));
    world.put("good", &key_in(1));
    world.settle_all();
    assert!(world.flush());
    assert_eq!(world.damage_table(DEAD), 1);
    let now = world.now();
    let selection = RedriveSelection {
        consumer: "fails".to_owned(),
        event_type: None,
        reason: None,
        since: None,
        until: None,
    };
    world.sequencer().start_redrive(selection, None, now).unwrap();
    world.settle_all();
    assert!(is_damaged(&world, "fails"));
    let skipped = skip(&mut world, "fails").unwrap();
    assert_eq!(skipped.dead.len(), 1);
    world.settle_all();
    assert!(!is_damaged(&world, "fails"));
    assert_eq!(world.standing("fails").dead, 0);
    assert_eq!(world.sequencer().redrive_jobs()[0].remaining, 0, "the job ends without it");
}
