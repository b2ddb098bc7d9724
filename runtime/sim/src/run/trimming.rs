//! What the log lets go is past its retention by the time that has really passed, whatever the wall clock
//! said.

use camshaft_event::{Event, Timestamp};

use super::Run;
use crate::faults::Fault;

/// Events that fill a segment.
const FILLING: usize = 60;

/// Further ahead than the log is kept.
const AHEAD_MS: i64 = 10_000;

/// When each transaction of the history was written, by the time that has really passed. Earlier if the wall
/// clock was behind: a later process has nothing but the record's time to go by.
#[derive(Default)]
pub(super) struct Ages {
    written_ms: Vec<u64>,
    /// Transactions that the log has let go.
    gone: usize,
}

impl Run {
    /// The history has grown.
    pub(super) fn note_ages(&mut self) {
        let (log, clock) = (self.process.log(), &self.machine.clock);
        let stamp_of = |sequence: u64| {
            let batch = log.read_from(sequence, 1).ok()?;
            batch.iter().next().map(|record| Timestamp(record.timestamp_ms))
        };
        self.ages.written_ms.truncate(self.history.len());
        let known = self.ages.written_ms.len();
        for sequence in known as u64 + 1..=self.history.len() as u64 {
            let by_stamp_ms = stamp_of(sequence).map_or(u64::MAX, |stamp| clock.passed_at_ms(stamp));
            self.ages.written_ms.push(clock.passed_ms().min(by_stamp_ms));
        }
    }

    pub(super) fn check_ages(&mut self) {
        let (now_ms, age_ms) = (self.machine.clock.passed_ms(), self.machine.retention.age_ms);
        let first = self.process.log().bounds().first_sequence;
        let gone = usize::try_from(first - 1).expect("runs are short");
        for (written_ms, sequence) in self.ages.written_ms.iter().zip(1..).take(gone).skip(self.ages.gone) {
            let aged_ms = now_ms - written_ms;
            assert!(aged_ms >= age_ms, "transaction {sequence} is trimmed after {aged_ms} ms");
        }
        self.ages.gone = gone;
    }

    /// Once nothing pins the log: a clock that is far ahead lets nothing young go, and time that passes lets
    /// it go. A consumer that was away for all of it comes back behind the gap.
    pub(super) fn age(&mut self) {
        self.machine.clock.set_right();
        self.leave(0);
        self.fill();
        self.machine.clock.jump_ms(AHEAD_MS);
        self.note(Fault::ClockAhead);
        self.trim_now();
        self.machine.clock.set_right();
        self.pass_retention();
        assert!(self.attach(0), "there is room for everyone at the end");
        self.settle();
    }

    /// Lets the log go as far as its events now reach.
    pub(super) fn let_the_log_go(&mut self) {
        self.fill();
        self.pass_retention();
    }

    /// Publishes unwanted events, more than a segment of them.
    fn fill(&mut self) {
        for _ in 0..FILLING {
            let event = Event {
                id: format!("late{}", self.tail()),
                source: "/test".to_owned(),
                event_type: "unheard".to_owned(),
                data: vec![b'z'; 3_500],
                ..Event::default()
            };
            self.process.publish(vec![event]).expect("a sound event is taken once all has settled");
            self.sync();
        }
        self.settle();
    }

    fn pass_retention(&mut self) {
        let before = self.process.log().bounds().first_sequence;
        for _ in 0..2 {
            self.machine.clock.pass_ms(self.machine.retention.age_ms);
            self.process.look();
        }
        self.settle();
        self.trim_now();
        let first = self.process.log().bounds().first_sequence;
        assert!(first > before, "the log keeps what is past its age: it begins at {first}");
        self.note(Fault::Trimmed);
    }

    /// Detaches a consumer that is attached.
    fn leave(&mut self, at: usize) {
        let now = self.now();
        let Some(declared) = self.consumers.get_mut(at) else { return };
        declared.is_attached = false;
        let name = declared.spec.name.clone();
        self.process.sequencer().detach(&name, now).expect("all are attached, and there is room");
        self.delivery.detached(&name);
        self.note(Fault::Detached);
    }

    fn trim_now(&mut self) {
        self.flush_whole();
        self.process.trim().expect("a sound disk can be trimmed");
        self.check_ages();
    }
}
