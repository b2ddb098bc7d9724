//! `camshaft publish`: publishes events from a file or from stdin, one per line.

mod identity;
mod input;
mod line;
mod sender;

use std::{collections::BTreeSet, path::PathBuf};

use anstream::eprintln;
use camshaft_event::{Offset, TypePattern};
use camshaft_wire::{ErrorCode, Items, PluginView};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{
    client::Client,
    failure::{ERROR, Failure},
    output, terminal,
};
use crate::text;
use identity::Pattern;
pub use identity::random_id;
use input::{Input, Line};
use line::Reader;
use sender::{Item, Sender};

/// Maximum number of refused lines to report one by one.
const SHOWN_REFUSALS: usize = 20;

#[derive(Debug, Args)]
#[command(after_help = "\
Without --type, each line is a CloudEvent in JSON. With --type, each line is the data of
one event. The event's id is derived from the content of the line and the absolute path of
the file, so publishing the same file again adds only new lines. Lines from stdin get new
ids each time, unless --run or --id is given.")]
pub struct Arguments {
    /// Input file; stdin if omitted or -
    file: Option<PathBuf>,

    /// Maximum number of events per request; a request is one transaction
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: u32,

    #[command(flatten)]
    template: Template,
}

/// Attributes of the events whose data is in the lines.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Lines of data")]
#[group(skip)]
pub struct Template {
    /// Event type; each line is then the data of one event
    #[arg(long = "type", value_name = "TYPE")]
    pub event_type: Option<String>,

    /// Source of the events
    #[arg(long, requires = "event_type", default_value = "/cli")]
    pub source: String,

    /// Subject of the events
    #[arg(long, requires = "event_type")]
    pub subject: Option<String>,

    /// Ordering key of the events
    #[arg(long, requires = "event_type")]
    pub key: Option<String>,

    /// Content type of the lines
    #[arg(long, value_name = "TYPE", requires = "event_type", default_value = "application/json")]
    pub content_type: String,

    /// Event id: a JSON pointer such as /order/id, or a template with {/pointer}, {line} or {hash}
    #[arg(long, value_name = "PATTERN", requires = "event_type")]
    pub id: Option<Pattern>,

    /// Prefix of the event ids; reuse it to publish the same input again after a failure
    #[arg(long, value_name = "NAME", requires = "event_type", conflicts_with = "id")]
    pub run: Option<String>,
}

/// The results for the input.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Outcome {
    published: u64,
    duplicate: u64,
    refused: u64,
    /// One receipt per event that is in the log, in the order of the input.
    receipts: Vec<LineReceipt>,
}

/// The offset of the event of a line.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct LineReceipt {
    line: u64,
    id: String,
    source: String,
    offset: Offset,
    duplicate: bool,
}

pub fn publish(client: &Client, arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let input = Input::open(arguments.file.as_deref())?;
    let report = Report::new(input.length);
    let batch = usize::try_from(arguments.batch).unwrap_or(usize::MAX);
    // The id prefix, if the ids of this input do not depend on a file's path. A hint may suggest it for
    // `--run`.
    let run = (arguments.template.event_type.is_some() && arguments.template.id.is_none())
        .then(|| arguments.template.run.clone().or_else(|| input.place.is_none().then(|| input.run.clone())));
    let run = run.flatten();
    let mut sender = Sender::new(client, batch, &report, json);
    let mut reader = Reader::new(&arguments.template, &input);
    let mut types = BTreeSet::new();
    let mut lines = input.lines;
    let sent = loop {
        let line = match lines.next_line() {
            Ok(Some(line)) => line,
            Ok(None) => break sender.finish(),
            Err(error) => break sender.finish().and(Err(Failure::read(&input.name, &error))),
        };
        report.read(lines.position());
        let Line { number, content } = line;
        match reader.event(number, content) {
            Ok(None) => {}
            Ok(Some(event)) => {
                types.insert(event.event_type.clone());
                if let Err(failure) = sender.add(Item { line: number, event }) {
                    break Err(failure);
                }
            }
            Err(failure) => sender.refuse(number, &failure),
        }
    };
    let (outcome, known, through) = sender.outcome();
    report.finish();
    let sent = sent.map_err(|failure| interrupted(failure, &outcome, through, run.as_deref()));
    known.tell(outcome.duplicate);
    finish(sent, &outcome, run.as_deref(), json)?;
    unhandled(client, &types);
    Ok(())
}

/// Prints the results, and returns a failure if lines were refused.
fn finish(
    sent: Result<(), Failure>,
    outcome: &Outcome,
    run: Option<&str>,
    json: bool,
) -> Result<(), Failure> {
    if json {
        output::json(outcome)?;
    } else {
        let Outcome { published, duplicate, refused, .. } = outcome;
        output::line(&format!("published {published}, duplicate {duplicate}, refused {refused}"))?;
    }
    sent?;
    match (outcome.refused, outcome.published + outcome.duplicate) {
        (0, 0) => output::note("the input contains no events"),
        (0, _) => {}
        (refused, 0) => {
            let message = format!("{} refused", counted(refused));
            return Err(Failure::new(ErrorCode::AllRefused, message));
        }
        (refused, accepted) => {
            let message = format!("{refused} of {} were refused", counted(refused + accepted));
            let failure = Failure::new(ErrorCode::PartlyRefused, message);
            return Err(match run {
                Some(run) => failure.hint(format!(
                    "Correct them and publish the whole input again with --run {run}: events that are \
                     already in the log count as duplicates."
                )),
                None => failure,
            });
        }
    }
    Ok(())
}

fn counted(count: u64) -> String {
    if count == 1 { "1 event".to_owned() } else { format!("{count} events") }
}

fn interrupted(failure: Failure, outcome: &Outcome, through: u64, run: Option<&str>) -> Failure {
    if outcome.published + outcome.duplicate == 0 {
        return failure;
    }
    let detail = format!("All lines up to line {through} are in the log or were refused above.");
    failure.detail(detail).detail(match run {
        Some(run) => {
            format!("Publish the whole input again with --run {run}: known events count as duplicates.")
        }
        None => "Publishing the whole input again is safe: known events count as duplicates.".to_owned(),
    })
}

/// Prints a note if no plugin handles a published event. The type may be misspelt, or the plugin not deployed
/// yet.
fn unhandled(client: &Client, types: &BTreeSet<String>) {
    if types.is_empty() {
        return;
    }
    let Ok(plugins) = client.get::<Items<PluginView>>("/plugins") else { return };
    if plugins.items.is_empty() {
        output::note("there are no plugins yet, so nothing handles these events");
        output::hint("Run `camshaft deploy FILE.wasm` to add one. It also handles earlier events.");
        return;
    }
    let patterns: Vec<TypePattern> = plugins
        .items
        .iter()
        .flat_map(|plugin| &plugin.subscriptions)
        .flat_map(|subscription| &subscription.types)
        .filter_map(|pattern| pattern.parse().ok())
        .collect();
    let unmatched: Vec<String> = types
        .iter()
        .filter(|event_type| !patterns.iter().any(|pattern| pattern.matches(event_type)))
        .map(|event_type| format!("\"{event_type}\""))
        .collect();
    if let Some(first) = unmatched.first() {
        let others = match unmatched.len() {
            1 => String::new(),
            count => format!(" and {} other types", count - 1),
        };
        output::note(&format!("no plugin handles {first}{others}"));
        output::hint("Run `camshaft plugins NAME` to see which types a plugin handles.");
    }
}

/// Progress output: a bar at a terminal, and refused lines.
pub struct Report {
    bar: ProgressBar,
    shown: std::cell::Cell<usize>,
}

impl Report {
    fn new(length: Option<u64>) -> Self {
        let (bar, style) = match length {
            _ if !terminal::is_watched() => (ProgressBar::hidden(), "{msg}"),
            Some(length) => (ProgressBar::new(length), "{bar:30} {percent}%  {msg}  {elapsed}, {eta} to go"),
            None => (ProgressBar::new_spinner(), "{spinner}  {msg}  {elapsed}"),
        };
        bar.set_style(ProgressStyle::with_template(style).expect("the template is well-formed"));
        Self { bar, shown: std::cell::Cell::new(0) }
    }

    fn read(&self, position: u64) {
        self.bar.set_position(position);
    }

    fn sent(&self, outcome: &Outcome) {
        self.bar.set_message(format!("{} events", outcome.published + outcome.duplicate));
    }

    fn refused(&self, line: u64, failure: &Failure) {
        let shown = self.shown.get();
        self.shown.set(shown + 1);
        if shown < SHOWN_REFUSALS {
            let refused = format!("line {line}: {}", failure.line());
            self.bar.suspend(|| {
                eprintln!("{ERROR}refused:{ERROR:#} {refused}");
                eprintln!("  {}", text::line(failure.hint_text()));
            });
        }
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
        let hidden = self.shown.get().saturating_sub(SHOWN_REFUSALS);
        if hidden > 0 {
            eprintln!("{ERROR}refused:{ERROR:#} {hidden} more lines");
        }
    }
}
