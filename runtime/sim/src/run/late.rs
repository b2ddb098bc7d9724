//! Late commands: a command that waits longer than the log is kept stays the same command, and its decision
//! is kept for one retention from its writing.

use camshaft_event::{Event, Offset};

use super::Run;
use super::commands::command;
use crate::consumers::{BANK, COMMANDS};
use crate::faults::Fault;
use crate::sharing::SUBJECTS;

/// Commands that become dead letters; fewer than a consumer may hold.
const LATE: usize = 4;

/// Dead letters and pauses that an operator ends take this many rounds at the most.
const ROUNDS: usize = 4;

impl Run {
    /// Sends commands that their owner rejects, lets the log go, ends the dead letters, and lets the log go
    /// again. The commands are repeated after each step.
    pub(super) fn send_late(&mut self) {
        let subjects = SUBJECTS.iter().take(LATE).enumerate();
        let commands: Vec<Event> = subjects
            .map(|(number, subject)| Event {
                subject: Some((*subject).to_owned()),
                ..command(format!("l{number}"), COMMANDS[0], b"x")
            })
            .collect();
        self.is_closed = true;
        self.deliver(commands.clone());
        self.settle();
        self.let_the_log_go();
        self.repeat(&commands);
        self.is_closed = false;
        self.end_dead_commands();
        self.repeat(&commands);
        self.let_the_log_go();
        self.repeat(&commands);
        self.settle();
    }

    /// Sends commands again, before and after the store has left out expired entries, and maybe in the next
    /// process.
    fn repeat(&mut self, commands: &[Event]) {
        self.deliver(commands.to_vec());
        self.flush_whole();
        self.process.sweep(usize::MAX);
        if self.random.coin() {
            self.restart();
        }
        self.deliver(commands.to_vec());
        self.ask_for_commands();
        self.sync();
    }

    /// Discards the first dead command, and redrives the others.
    fn end_dead_commands(&mut self) {
        let first: Option<Offset> = self.process.dead_letters(BANK).first().copied();
        if let Some(offset) = first {
            let now = self.now();
            let discarded = self.process.sequencer().discard(BANK, offset, now);
            discarded.expect("a listed dead letter can be discarded");
            self.note_act_on(BANK, offset);
            self.note(Fault::Discarded);
        }
        for _ in 0..ROUNDS {
            self.redrive_all();
            self.resume_all();
            self.settle();
        }
    }
}
