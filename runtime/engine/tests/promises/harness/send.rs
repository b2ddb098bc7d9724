//! Commands: how tests declare their owner, send them and look at them.

use camshaft_engine::{CommandState, ConsumerSpec, PublishRefusal, Receipt};
use camshaft_event::{CommandOutcome, Event, Offset, Refusal, Role};

use super::{World, event, spec};

/// A consumer that owns these command types.
pub fn owner(name: &str, commands: &[&str]) -> ConsumerSpec {
    let mut owner = spec(name, commands);
    owner.role = Role::owner(commands.iter().map(|&command| command.to_owned()).collect());
    owner.subscriptions.iter_mut().for_each(|subscription| subscription.commands = true);
    owner
}

/// A command of type `thing.do`.
pub fn command(id: &str, subject: &str) -> Event {
    Event { event_type: "thing.do".to_owned(), ..event(id, subject) }
}

pub fn accepted(reply: &str) -> CommandOutcome {
    CommandOutcome::Accepted { reply: reply.as_bytes().to_vec().into() }
}

pub fn refusal(code: &str) -> Refusal {
    Refusal { code: code.to_owned(), message: "no".to_owned(), ..Refusal::default() }
}

impl World {
    pub fn try_send(&mut self, commands: Vec<Event>) -> Result<Vec<Receipt>, PublishRefusal> {
        let mut probe = self.shared().probe_commands(commands)?;
        let now = self.now();
        Ok(self.sequencer().publish(&mut probe, now)?.receipts)
    }

    /// Sends one command of type `thing.do`.
    pub fn send(&mut self, id: &str, subject: &str) -> Receipt {
        self.try_send(vec![command(id, subject)]).unwrap().remove(0)
    }

    /// The decision about the command at `offset`.
    pub fn decision(&self, offset: Offset) -> Option<CommandOutcome> {
        match self.shared().command_state(offset).unwrap() {
            Some(CommandState::Decided(decision)) => Some(decision.outcome),
            _ => None,
        }
    }

    /// Publishes unwanted events until the log begins behind `offset`.
    pub fn trim_beyond(&mut self, offset: Offset) {
        while self.sequencer().first_offset() <= offset {
            let next = self.sequencer().sequenced().next_offset;
            let filler = Event { event_type: "filler".into(), ..event(&format!("filler {next}"), "k") };
            self.publish(vec![Event { data: vec![0; 15_000], ..filler }]);
            self.settle();
            self.flush();
            self.trim();
        }
    }
}
