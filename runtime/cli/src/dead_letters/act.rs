//! `camshaft dead-letters discard`, and `redrive` of some by their ids: one request each.

use camshaft_wire::{DeadLetterSummary, ErrorCode};
use clap::Args;

use super::{
    super::{
        client::{Client, Refusal, path},
        confirm::confirm,
        failure::Failure,
        output,
    },
    Id, Selection,
};

#[derive(Debug, Args)]
#[group(skip)]
pub struct Arguments {
    /// CONSUMER:OFFSET
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with_all = ["all", "consumer", "event_type"])]
    ids: Vec<Id>,

    /// Every dead letter of --consumer
    #[arg(long, requires = "consumer")]
    all: bool,

    #[command(flatten)]
    selection: Selection,

    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

#[derive(Clone, Copy)]
pub enum Act {
    Redrive,
    Discard,
}

pub fn discard(client: &Client, arguments: &Arguments) -> Result<(), Failure> {
    if !arguments.all {
        return act(client, &arguments.ids, Act::Discard, arguments.yes);
    }
    let letters = arguments.selection.all(client)?;
    let id = |letter: DeadLetterSummary| Id { consumer: letter.consumer, offset: letter.offset.0 };
    let ids: Vec<Id> = letters.into_iter().map(id).collect();
    if ids.is_empty() {
        output::note("there are no dead letters");
        return Ok(());
    }
    let is_confirmed = confirm(&Act::Discard.question(&ids), arguments.yes);
    if is_confirmed { each(client, &ids, Act::Discard, true) } else { Ok(()) }
}

/// Does it to those that somebody named, if nobody objects.
pub fn act(client: &Client, ids: &[Id], act: Act, yes: bool) -> Result<(), Failure> {
    if confirm(&act.question(ids), yes) { each(client, ids, act, false) } else { Ok(()) }
}

impl Act {
    fn question(self, ids: &[Id]) -> String {
        let count = counted(ids.len() as u64);
        match self {
            Self::Redrive => format!("Redrive {count}?"),
            Self::Discard => format!("Discard {count} for good?"),
        }
    }
}

fn each(client: &Client, ids: &[Id], act: Act, is_listed: bool) -> Result<(), Failure> {
    let (mut done, mut missing) = (0, Vec::new());
    for id in ids {
        match one(client, id, act) {
            Ok(()) => done += 1,
            Err(failure) if failure.code() != ErrorCode::DeadLetterNotFound || ids.len() == 1 => {
                tell(act, done);
                return Err(failure);
            }
            // Of all that were listed, one that is gone meanwhile needs nothing more.
            Err(_) if is_listed => {}
            Err(failure) => missing.push(failure.line()),
        }
    }
    tell(act, done);
    if missing.is_empty() {
        return Ok(());
    }
    let code = if done == 0 { ErrorCode::DeadLetterNotFound } else { ErrorCode::PartlyRefused };
    let failure =
        Failure::new(code, format!("{} of {} did not exist", missing.len(), counted(ids.len() as u64)))
            .hint(ErrorCode::DeadLetterNotFound.hint());
    Err(missing.into_iter().fold(failure, Failure::detail))
}

fn one(client: &Client, id: &Id, act: Act) -> Result<(), Failure> {
    let verb = match act {
        Act::Redrive => "redrive",
        Act::Discard => "discard",
    };
    let path = path(&["dead-letters", &id.consumer, &id.offset.to_string(), verb]);
    client.act(&path).map_err(Refusal::into_failure)
}

fn tell(act: Act, done: u64) {
    let done = counted(done);
    match act {
        Act::Redrive => output::note(&format!("redrove {done}")),
        Act::Discard => output::note(&format!("discarded {done}")),
    }
}

/// How many dead letters, in words.
pub fn counted(count: u64) -> String {
    if count == 1 { "1 dead letter".to_owned() } else { format!("{count} dead letters") }
}
