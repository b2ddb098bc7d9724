//! `camshaft dead-letters discard`, and `redrive` by ids: one request per dead letter.

use camshaft_wire::{DeadLetterSummary, ErrorCode};
use clap::Args;
use serde_json::json;

use super::{
    super::{
        client::{Client, Refusal, path},
        confirm::confirm_loss,
        failure::Failure,
        output,
    },
    Id, Selection,
};

#[derive(Debug, Args)]
#[group(skip)]
pub struct Arguments {
    /// Ids of dead letters, as CONSUMER:OFFSET
    #[arg(value_name = "ID", conflicts_with_all = ["all", "consumer", "event_type"])]
    ids: Vec<Id>,

    /// Select all dead letters of --consumer
    #[arg(long, requires = "consumer")]
    all: bool,

    #[command(flatten)]
    selection: Selection,

    /// Do not ask for confirmation; required if there is no terminal
    #[arg(long, short)]
    yes: bool,
}

#[derive(Clone, Copy)]
pub enum Act {
    Redrive,
    Discard,
}

/// The result for the named dead letters.
pub struct Acted {
    pub done: Vec<Id>,
    /// The failure that ends the command, if some did not exist.
    pub missing: Option<Failure>,
}

pub fn discard(client: &Client, arguments: &Arguments, json: bool) -> Result<(), Failure> {
    if arguments.ids.is_empty() && !arguments.all {
        return Err(unnamed("discard"));
    }
    let ids = if arguments.all {
        let letters = arguments.selection.all(client)?;
        let id = |letter: DeadLetterSummary| Id { consumer: letter.consumer, offset: letter.offset.0 };
        letters.into_iter().map(id).collect()
    } else {
        arguments.ids.clone()
    };
    if ids.is_empty() {
        output::note("there are no dead letters");
        return if json { output::json(&json!({ "discarded": 0 })) } else { Ok(()) };
    }
    if !confirm_loss(&format!("Discard {} for good?", counted(ids.len() as u64)), arguments.yes)? {
        return Ok(());
    }
    let Acted { done, missing } = each(client, &ids, Act::Discard, arguments.all)?;
    if json {
        output::json(&json!({ "discarded": done.len() }))?;
    }
    missing.map_or(Ok(()), Err)
}

/// Redrives or discards each of `ids`. If the ids come from a listing, a dead letter that no longer exists is
/// not an error.
pub fn each(client: &Client, ids: &[Id], act: Act, is_listed: bool) -> Result<Acted, Failure> {
    let (mut done, mut missing) = (Vec::new(), Vec::new());
    for id in ids {
        match one(client, id, act) {
            Ok(()) => done.push(id.clone()),
            Err(failure) if failure.code() != ErrorCode::DeadLetterNotFound || ids.len() == 1 => {
                tell(act, done.len() as u64);
                return Err(failure);
            }
            Err(_) if is_listed => {}
            Err(failure) => missing.push(failure.line()),
        }
    }
    tell(act, done.len() as u64);
    if missing.is_empty() {
        return Ok(Acted { done, missing: None });
    }
    let code = if done.is_empty() { ErrorCode::DeadLetterNotFound } else { ErrorCode::PartlyRefused };
    let failure =
        Failure::new(code, format!("{} of {} did not exist", missing.len(), counted(ids.len() as u64)))
            .hint(ErrorCode::DeadLetterNotFound.hint());
    Ok(Acted { done, missing: Some(missing.into_iter().fold(failure, Failure::detail)) })
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

/// The failure if neither ids nor a selection are given; the command does not guess.
pub fn unnamed(verb: &str) -> Failure {
    Failure::new(ErrorCode::WrongUsage, format!("no dead letters to {verb} are named")).hint(format!(
        "Name them, as in `camshaft dead-letters {verb} stock:17`, or pass --consumer CONSUMER --all."
    ))
}

/// A number of dead letters, in words.
pub fn counted(count: u64) -> String {
    if count == 1 { "1 dead letter".to_owned() } else { format!("{count} dead letters") }
}
