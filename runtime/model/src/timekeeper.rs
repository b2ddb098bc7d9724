//! The timekeeper and a step that makes something due earlier, as `compose` runs them.

use std::sync::PoisonError;

use camshaft_engine::Alarm;
use camshaft_event::Timestamp;
use loom::sync::{Arc, Mutex};
use loom::thread;

use crate::bell::Bell;

/// What is due first; the timekeeper has just been woken for it.
const FIRST: Timestamp = Timestamp(1);

/// What a step makes due meanwhile.
const SECOND: Timestamp = Timestamp(5);

/// Where the alarm is set and moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarmed {
    /// In the critical section that computes what is due, as the runtime does.
    InTheSection,
    /// After it, under a lock of its own: a step in between compares with an outdated alarm.
    AfterTheSection,
}

/// When the timekeeper reads the count of its bell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Before it looks for something to do, as the runtime does.
    BeforeTheLook,
    /// Just before it waits: a ring in between is missed.
    AfterTheLook,
}

/// What the sequencer is in this model.
struct Sequencer {
    due: Option<Timestamp>,
    alarm: Alarm,
}

struct Core {
    sequencer: Mutex<Sequencer>,
    /// Used instead of the sequencer's where it is set after the section.
    alarm: Mutex<Alarm>,
    bell: Bell,
}

/// A step makes something due while the timekeeper goes to sleep. In every order of steps the timekeeper
/// handles it.
///
/// # Panics
/// If there is an order in which the timekeeper sleeps on.
pub fn timekeeper_wakes(alarmed: Alarmed, counted: Counted) {
    loom::model(move || {
        let mut alarm = Alarm::default();
        alarm.set(Some(FIRST));
        let core = Arc::new(Core {
            sequencer: Mutex::new(Sequencer { due: Some(FIRST), alarm }),
            alarm: Mutex::new(alarm),
            bell: Bell::default(),
        });
        let timekeeper = {
            let core = Arc::clone(&core);
            thread::spawn(move || core.keep_time(alarmed, counted))
        };
        core.make_due(alarmed);
        let finished = timekeeper.join();
        assert!(finished.is_ok(), "the timekeeper ends with what the step made due");
    });
}

impl Core {
    /// Handles what is due, and sleeps in between, until it has handled what the step made due.
    fn keep_time(&self, alarmed: Alarmed, counted: Counted) {
        loop {
            let seen = self.bell.count();
            let (handled, next) = {
                let mut sequencer = self.sequencer.lock().unwrap_or_else(PoisonError::into_inner);
                let handled = sequencer.due.take();
                let next = sequencer.due;
                if alarmed == Alarmed::InTheSection {
                    sequencer.alarm.set(next);
                }
                (handled, next)
            };
            if handled == Some(SECOND) {
                return;
            }
            if alarmed == Alarmed::AfterTheSection {
                self.alarm.lock().unwrap_or_else(PoisonError::into_inner).set(next);
            }
            let seen = if counted == Counted::AfterTheLook { self.bell.count() } else { seen };
            self.bell.wait(seen, None);
        }
    }

    /// A step: what it makes due replaces what was, unless that has not been handled.
    fn make_due(&self, alarmed: Alarmed) {
        let mut sequencer = self.sequencer.lock().unwrap_or_else(PoisonError::into_inner);
        sequencer.due = Some(SECOND);
        let mut moves = alarmed == Alarmed::InTheSection && sequencer.alarm.move_forward(Some(SECOND));
        drop(sequencer);
        if alarmed == Alarmed::AfterTheSection {
            moves = self.alarm.lock().unwrap_or_else(PoisonError::into_inner).move_forward(Some(SECOND));
        }
        if moves {
            self.bell.ring();
        }
    }
}
