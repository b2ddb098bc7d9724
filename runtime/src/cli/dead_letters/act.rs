//! `camshaft dead-letters redrive` and `discard`.

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
use crate::ErrorCode;

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

pub fn act(client: &Client, arguments: &Arguments, act: Act) -> Result<(), Failure> {
    let ids = if arguments.all {
        let letters = arguments.selection.all(client)?;
        letters.into_iter().map(|letter| Id { consumer: letter.consumer, offset: letter.offset.0 }).collect()
    } else {
        arguments.ids.clone()
    };
    if ids.is_empty() {
        output::note("there are no dead letters");
        return Ok(());
    }
    let count = counted(ids.len());
    let question = match act {
        Act::Redrive => format!("Redrive {count}?"),
        Act::Discard => format!("Discard {count} for good?"),
    };
    if !confirm(&question, arguments.yes) {
        return Ok(());
    }
    let (mut done, mut missing) = (0, Vec::new());
    for id in &ids {
        match one(client, id, act) {
            Ok(()) => done += 1,
            Err(failure) if failure.code() != ErrorCode::DeadLetterNotFound || ids.len() == 1 => {
                tell(act, done);
                return Err(failure);
            }
            // Of all that were listed, one that is gone meanwhile needs nothing more.
            Err(_) if arguments.all => {}
            Err(failure) => missing.push(failure.line()),
        }
    }
    tell(act, done);
    if missing.is_empty() {
        return Ok(());
    }
    let code = if done == 0 { ErrorCode::DeadLetterNotFound } else { ErrorCode::PartlyRefused };
    let failure = Failure::new(code, format!("{} of {} did not exist", missing.len(), counted(ids.len())))
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

fn tell(act: Act, done: usize) {
    let done = counted(done);
    match act {
        Act::Redrive => output::note(&format!("redrove {done}")),
        Act::Discard => output::note(&format!("discarded {done}")),
    }
}

fn counted(count: usize) -> String {
    if count == 1 { "1 dead letter".to_owned() } else { format!("{count} dead letters") }
}
