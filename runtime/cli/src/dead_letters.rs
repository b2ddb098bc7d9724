//! `camshaft dead-letters`: lists, shows, redrives and discards dead letters.

mod act;
mod outcome;
mod redrive;
mod show;

use camshaft_event::TypePattern;
use camshaft_wire::{DeadLetterSummary, Items};
use clap::{Args, Subcommand};

use super::{
    client::Client,
    failure::Failure,
    output,
    table::{dash, since, table},
};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List dead letters
    List(List),
    /// Show one dead letter with its event, its attempts and the events waiting behind it
    Show {
        /// Id of the dead letter, as CONSUMER:OFFSET
        id: Id,
    },
    /// Redrive dead letters, then the events waiting behind them
    Redrive(redrive::Arguments),
    /// Discard dead letters, and release the events waiting behind them
    Discard(act::Arguments),
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    selection: Selection,

    /// Maximum number of dead letters [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

/// Selects dead letters.
#[derive(Debug, Args)]
struct Selection {
    /// Only dead letters of this consumer
    #[arg(long, value_name = "CONSUMER")]
    consumer: Option<String>,

    /// Only events whose type matches, such as order.placed or order.*
    #[arg(long = "type", value_name = "PATTERN")]
    event_type: Option<TypePattern>,
}

/// The id of a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Id {
    pub consumer: String,
    pub offset: u64,
}

impl std::str::FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts =
            text.rsplit_once(':').and_then(|(consumer, offset)| Some((consumer, offset.parse().ok()?)));
        match parts {
            Some((consumer, offset)) if !consumer.is_empty() => {
                Ok(Self { consumer: consumer.to_owned(), offset })
            }
            _ => Err("write it as CONSUMER:OFFSET, such as stock:17".to_owned()),
        }
    }
}

pub fn dead_letters(client: &Client, arguments: &Arguments, json: bool) -> Result<(), Failure> {
    match &arguments.action {
        Action::List(arguments) => list(client, arguments, json),
        Action::Show { id } => show::show(client, id, json),
        Action::Redrive(arguments) => redrive::redrive(client, arguments, json),
        Action::Discard(arguments) => act::discard(client, arguments, json),
    }
}

fn list(client: &Client, arguments: &List, json: bool) -> Result<(), Failure> {
    let limit = arguments.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let letters = arguments.selection.first(client, limit)?;
    if json {
        return output::json(&Items { items: letters });
    }
    if letters.is_empty() {
        output::note("there are no dead letters");
        return Ok(());
    }
    output::print(&rows(&letters))?;
    if let Some(first) = letters.first() {
        output::hint(&format!("Run `camshaft dead-letters show {}` to see the reason.", first.id));
    }
    Ok(())
}

impl Selection {
    /// All selected dead letters.
    fn all(&self, client: &Client) -> Result<Vec<DeadLetterSummary>, Failure> {
        self.first(client, usize::MAX)
    }

    /// The first `limit` selected dead letters, page by page.
    fn first(&self, client: &Client, limit: usize) -> Result<Vec<DeadLetterSummary>, Failure> {
        let parameters = [
            ("consumer", self.consumer.clone()),
            ("type", self.event_type.as_ref().map(ToString::to_string)),
        ];
        client.pages("/dead-letters", &parameters, limit)
    }
}

fn rows(letters: &[DeadLetterSummary]) -> String {
    let rows = letters.iter().map(|letter| {
        [
            letter.id.clone(),
            letter.event_type.clone(),
            letter.key.clone().unwrap_or_else(dash),
            since(letter.at),
            letter.attempts.to_string(),
            letter.waiting.to_string(),
            format!("{}: {}", letter.reason, letter.error),
        ]
    });
    table(["ID", "TYPE", "KEY", "SINCE", "ATTEMPTS", "WAITING", "ERROR"], rows)
}

#[cfg(test)]
mod tests {
    use camshaft_event::{Offset, Timestamp};

    use super::*;

    pub fn letter() -> DeadLetterSummary {
        DeadLetterSummary {
            id: "stock:17".into(),
            consumer: "stock".into(),
            offset: Offset(17),
            event_type: "order.placed".into(),
            key: Some("o-17".into()),
            at: Timestamp(1_769_860_800_000),
            reason: "reject".into(),
            error: "not enough stock".into(),
            attempts: 1,
            redrives: 0,
            parks: true,
            waiting: 2,
        }
    }

    #[test]
    fn the_table_shows_what_failed_why_and_what_waits() {
        let unordered = DeadLetterSummary {
            id: "mailer:20".into(),
            consumer: "mailer".into(),
            key: None,
            attempts: 10,
            waiting: 0,
            reason: "retry".into(),
            error: "the mail server is away".into(),
            ..letter()
        };
        insta::assert_snapshot!(rows(&[letter(), unordered]), @"
        ID         TYPE          KEY   SINCE                 ATTEMPTS  WAITING  ERROR
        stock:17   order.placed  o-17  2026-01-31T12:00:00Z  1         2        reject: not enough stock
        mailer:20  order.placed  -     2026-01-31T12:00:00Z  10        0        retry: the mail server is away
        ");
    }

    #[test]
    fn an_id_is_a_consumer_and_an_offset() {
        assert_eq!("stock:17".parse(), Ok(Id { consumer: "stock".into(), offset: 17 }));
        for wrong in ["stock", "stock:", ":17", "stock:x", "17"] {
            assert!(wrong.parse::<Id>().is_err(), "{wrong}");
        }
    }
}
