//! No record is trimmed, and no consumer let go, before its time by a clock that only goes on; whatever the
//! wall clock says for a while.

use camshaft_engine::{Reading, Retention, RetentionOptions};
use camshaft_event::Timestamp;

use super::harness::{World, note, spec};

const MINUTE_MS: u64 = 60 * 1000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// A process that looks at its clocks each five minutes.
struct Process {
    world: World,
    retention: Retention,
    elapsed_ms: u64,
}

impl Process {
    /// The first one, over an empty log.
    fn new(world: World) -> Self {
        let moment = Reading { wall: world.now(), elapsed_us: 0 };
        let retention = Retention::new(options(), None, &world.log().bounds(), moment);
        Self { world, retention, elapsed_ms: 0 }
    }

    /// The next one, given what this one kept or not. Time in between passes before.
    fn restart(mut self, keeps: bool) -> Self {
        let kept = keeps.then(|| self.retention.to_keep());
        self.world.crash();
        self.world.recover();
        let moment = Reading { wall: self.world.now(), elapsed_us: 0 };
        let retention = Retention::new(options(), kept, &self.world.log().bounds(), moment);
        Self { retention, elapsed_ms: 0, ..self }
    }

    fn pass(&mut self, ms: u64) {
        let end_ms = self.elapsed_ms + ms;
        while self.elapsed_ms < end_ms {
            let step_ms = (end_ms - self.elapsed_ms).min(5 * MINUTE_MS);
            self.elapsed_ms += step_ms;
            self.world.clock.advance_ms(step_ms);
            self.look();
        }
    }

    fn look(&mut self) {
        let moment = Reading { wall: self.world.now(), elapsed_us: self.elapsed_ms * 1_000 };
        self.retention.look(moment, &self.world.log().bounds());
    }

    /// The wall clock alone goes ahead or back.
    fn jump(&mut self, ms: i64) {
        self.world.clock.set(Timestamp(self.world.now().0.saturating_add_signed(ms)));
        self.look();
    }

    /// Writes one record, and a snapshot that covers it; its sequence.
    fn write(&mut self) -> u64 {
        let next = self.world.sequencer().sequenced().next_offset;
        self.world.put(&next.to_string(), "k");
        self.world.sync();
        self.world.flush();
        self.look();
        self.world.log().bounds().last_sequence
    }

    /// The records that may go: all up to this one.
    fn lets_go(&self) -> u64 {
        let needed = self.world.sequencer().needed(self.retention.now());
        self.retention.trim_before(&*self.world.log(), needed).unwrap().saturating_sub(1)
    }
}

fn options() -> RetentionOptions {
    RetentionOptions::default()
}

fn begun() -> Process {
    let world = World::new();
    world.clock.set(Timestamp(20_000 * DAY_MS));
    Process::new(world)
}

fn days(count: i64) -> i64 {
    count * i64::try_from(DAY_MS).unwrap()
}

#[test]
fn records_go_once_they_are_past_their_age() {
    let mut process = begun();
    let first = process.write();
    process.pass(DAY_MS);
    process.write();
    process.pass(6 * DAY_MS - HOUR_MS);
    assert_eq!(process.lets_go(), 0);
    process.pass(4 * HOUR_MS);
    assert_eq!(process.lets_go(), first);
}

#[test]
fn a_clock_that_is_ahead_for_a_minute_lets_nothing_go() {
    let mut process = begun();
    process.write();
    process.pass(HOUR_MS);
    process.jump(days(30));
    process.write();
    process.pass(MINUTE_MS);
    assert_eq!(process.lets_go(), 0);
    process.jump(days(-30));
    process.pass(HOUR_MS);
    assert_eq!(process.lets_go(), 0);
    // What the wrong clock has stamped goes in time, too.
    process.pass(7 * DAY_MS + 2 * HOUR_MS);
    process.write();
    assert_eq!(process.lets_go(), 2);
}

#[test]
fn a_restart_amid_a_jump_lets_nothing_go_either() {
    let mut process = begun();
    process.write();
    process.pass(HOUR_MS);
    process.jump(days(30));
    process.write();
    process.pass(MINUTE_MS);
    let mut process = process.restart(true);
    process.pass(MINUTE_MS);
    assert_eq!(process.lets_go(), 0);
    let mut process = process.restart(true);
    process.jump(days(-30));
    process.pass(2 * HOUR_MS);
    assert_eq!(process.lets_go(), 0);
}

#[test]
fn a_start_with_a_wrong_clock_lets_nothing_go_for_an_hour() {
    for keeps in [true, false] {
        let mut process = begun();
        process.write();
        process.write();
        process.pass(DAY_MS);
        process.jump(days(400));
        let mut process = process.restart(keeps);
        process.pass(50 * MINUTE_MS);
        assert_eq!(process.lets_go(), 0);
        process.jump(days(-400));
        process.pass(HOUR_MS);
        assert_eq!(process.lets_go(), 0);
    }
}

#[test]
fn a_machine_that_was_off_for_long_trims_after_an_hour() {
    let mut process = begun();
    let before = process.write();
    process.pass(HOUR_MS);
    process.world.clock.advance_ms(400 * DAY_MS);
    let mut process = process.restart(true);
    process.write();
    process.pass(55 * MINUTE_MS);
    assert_eq!(process.lets_go(), 0);
    process.pass(15 * MINUTE_MS);
    assert_eq!(process.lets_go(), before);
}

#[test]
fn what_a_process_has_written_itself_ages_by_the_time_that_passed_in_it() {
    let mut process = begun();
    process.pass(HOUR_MS);
    process.write();
    // It was wrong before: a machine without a clock of its own begins in 1970.
    process.jump(days(20_000));
    process.write();
    process.pass(6 * DAY_MS);
    assert_eq!(process.lets_go(), 0);
    process.jump(days(-30_000));
    process.pass(DAY_MS + 4 * HOUR_MS);
    process.write();
    assert_eq!(process.lets_go(), 2, "nor does a clock that was set back keep it for ever");
}

#[test]
fn a_detached_consumer_keeps_its_events_whatever_the_clock_says_for_a_minute() {
    let mut process = begun();
    process.world.attach(spec("one", &["thing.*"]), note);
    process.world.settle();
    process.world.detach("one");
    let stands = process.world.standing("one").checkpoint;
    process.write();
    process.jump(days(30));
    let needed = |process: &Process| process.world.sequencer().needed(process.retention.now()).next_offset;
    assert_eq!(needed(&process), stands);
    process.jump(days(-30));
    process.pass(8 * DAY_MS);
    assert!(needed(&process) > stands);
}
