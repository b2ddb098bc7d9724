//! The witness: what the outside world was told. It is told nothing before that is durable, and what it was
//! told must stay true.

use camshaft_event::{Event, EventHash, Offset, Sequence};

use crate::model::{Model, Standing};

/// Something that leaves the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Statement {
    /// An event with this identity and content lies there: a receipt, or an event that was read.
    Event { offset: Offset, hash: EventHash },
    /// A consumer's state had this value under this key, or none, once this many transactions were made.
    State { at: Sequence, consumer: String, key: Vec<u8>, value: Option<Vec<u8>> },
    /// The command of this source and id after a number of transactions, while the log began
    /// there.
    Command { at: Sequence, offset: Offset, first_offset: Offset, command: Box<Event> },
    /// The state of a command after a number of transactions, while the log began there.
    Standing { at: Sequence, offset: Offset, first_offset: Offset, standing: Standing },
}

impl Statement {
    /// After how many transactions it was true, if it may be untrue later.
    fn at(&self) -> Option<Sequence> {
        match self {
            Self::Event { .. } => None,
            Self::State { at, .. } | Self::Command { at, .. } | Self::Standing { at, .. } => Some(*at),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Witness {
    /// What may be told once the log is durable so far.
    waiting: Vec<(Sequence, Statement)>,
    told: Vec<Statement>,
}

impl Witness {
    /// Keeps a statement back until everything up to `sequence` is durable.
    pub(super) fn expect(&mut self, sequence: Sequence, statement: Statement) {
        self.waiting.push((sequence, statement));
    }

    /// Tells what has become durable.
    pub(super) fn hear(&mut self, durable: Sequence) {
        let heard = self.waiting.extract_if(.., |(at, _)| *at <= durable);
        self.told.extend(heard.map(|(_, statement)| statement));
    }

    /// The process ended: whoever waited got no answer.
    pub(super) fn interrupt(&mut self) {
        self.waiting.clear();
    }

    /// Compares the state of consumers and commands that readers saw with the model, which has just read
    /// transaction `model.sequence`.
    pub(super) fn check_state(&self, model: &Model) {
        for statement in self.told.iter().filter(|statement| statement.at() == Some(model.sequence)) {
            match statement {
                Statement::Event { .. } => {}
                Statement::State { consumer, key, value, .. } => {
                    let known = model.consumers.values().find(|known| known.record.name == *consumer);
                    let expected = known.and_then(|known| known.state.get(key));
                    assert_eq!(value.as_ref(), expected, "the state of {consumer} that was shown");
                }
                Statement::Command { offset, first_offset, command, .. } => {
                    let (last, id) = (model.commands.last(command), &command.id);
                    assert_eq!(Some(*offset), last, "the command {id} that was acknowledged");
                    let is_known =
                        offset >= first_offset || model.standing(*offset, *first_offset) != Standing::Unknown;
                    assert!(is_known, "the command {id} is forgotten, but its repeat counts as one");
                }
                Statement::Standing { offset, first_offset, standing, .. } => {
                    let expected = model.standing(*offset, *first_offset);
                    assert_eq!(*standing, expected, "the state of the command {offset} that a sender saw");
                }
            }
        }
    }

    /// Compares what was told of events with the whole log.
    pub(super) fn check_events(&self, model: &Model) {
        for statement in &self.told {
            if let Statement::Event { offset, hash } = statement {
                let event = model.events.get(usize::try_from(offset.0).expect("offsets are small here"));
                assert_eq!(event.map(|event| event.hash()), Some(*hash), "event {offset} that was shown");
            }
        }
        let last = self.told.iter().filter_map(Statement::at);
        assert!(last.max().unwrap_or_default() <= model.sequence, "what was shown is lost");
    }
}
