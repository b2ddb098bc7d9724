//! What the log lets go is past its retention by the time that has really passed, whatever the wall clock said.

use camshaft_event::Event;

use super::Run;
use crate::faults::Fault;

/// Events that fill a segment.
const FILLING: usize = 60;

/// Further ahead than the log is kept.
const AHEAD_MS: i64 = 10_000;

/// When each transaction of the history was written, by the time that has really passed.
#[derive(Default)]
pub(super) struct Ages {
    written_ms: Vec<u64>,
    /// Transactions that the log has let go.
    gone: usize,
}

impl Ages {
    /// The history has so many transactions now.
    pub(super) fn grow(&mut self, transactions: usize, now_ms: u64) {
        self.written_ms.resize(transactions, now_ms);
    }
}

impl Run {
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

    /// Once nothing pins the log: a clock that is far ahead lets nothing young go, and time that passes lets it go.
    pub(super) fn age(&mut self) {
        for number in 0..FILLING {
            let event = Event {
                id: format!("late{number}"),
                source: "/test".to_owned(),
                event_type: "unheard".to_owned(),
                data: vec![b'z'; 3_500],
                ..Event::default()
            };
            self.process.publish(vec![event]).expect("a sound event is taken once all has settled");
            self.sync();
        }
        self.settle();
        self.machine.clock.jump_ms(AHEAD_MS);
        self.note(Fault::ClockAhead);
        self.trim_now();
        self.machine.clock.set_right();
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

    fn trim_now(&mut self) {
        self.flush_whole();
        self.process.trim().expect("a sound disk can be trimmed");
        self.check_ages();
    }
}
