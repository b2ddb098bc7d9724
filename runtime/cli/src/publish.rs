//! `camshaft publish`: events from a file or from stdin, line by line.

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
use input::{Input, Line};
use line::Reader;
use sender::{Item, Sender};

/// Refused lines that are shown one by one.
const SHOWN_REFUSALS: usize = 20;

#[derive(Debug, Args)]
#[command(after_help = "\
Without --type, each line is a CloudEvent in JSON. With --type, each line is the data of
one event. Its id comes from what the line holds and the whole path of the file, so that
publishing the same file again adds what is new in it and nothing else. Lines from stdin
get ids of their own each time, unless --run or --id says otherwise.")]
pub struct Arguments {
    /// The file; stdin if absent or -
    file: Option<PathBuf>,

    /// How many events to send at a time, as one transaction
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: u32,

    #[command(flatten)]
    template: Template,
}

/// What the events are whose data stands in the lines.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Lines of data")]
#[group(skip)]
pub struct Template {
    /// Each line is the data of an event of this type
    #[arg(long = "type", value_name = "TYPE")]
    pub event_type: Option<String>,

    /// Who publishes
    #[arg(long, requires = "event_type", default_value = "/cli")]
    pub source: String,

    /// What the events are about
    #[arg(long, requires = "event_type")]
    pub subject: Option<String>,

    /// The ordering key
    #[arg(long, requires = "event_type")]
    pub key: Option<String>,

    /// What the lines are
    #[arg(long, value_name = "TYPE", requires = "event_type", default_value = "application/json")]
    pub content_type: String,

    /// Where the id comes from: a JSON pointer such as /order/id, or a text with {/pointer}, {line} or {hash} in it
    #[arg(long, value_name = "PATTERN", requires = "event_type")]
    pub id: Option<Pattern>,

    /// What the ids begin with: the same name for the same input, published again after a failure
    #[arg(long, value_name = "NAME", requires = "event_type", conflicts_with = "id")]
    pub run: Option<String>,
}

/// What became of the input.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Outcome {
    published: u64,
    duplicate: u64,
    refused: u64,
    /// One for each event that is in the log, in the order of the input.
    receipts: Vec<LineReceipt>,
}

/// Where the event of a line stands.
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
    // A name for ids that this reading of the input alone has.
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

/// Prints what was done, and turns refusals into the end of the command.
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
        (0, 0) => output::note("the input holds no events"),
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
                    "Correct them and publish the whole input again with --run {run}: what is in the log is \
                     recognized as duplicate."
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
    let detail = format!("Everything up to line {through} is in the log, or was refused above.");
    failure.detail(detail).detail(match run {
        Some(run) => {
            format!("Publish the whole input again with --run {run}: known events are recognized then.")
        }
        None => "Publishing the whole input again is safe: known events are recognized.".to_owned(),
    })
}

/// Says so if an event was published that no plugin will handle: often a mistyped type, or a plugin that is
/// yet to come.
fn unhandled(client: &Client, types: &BTreeSet<String>) {
    if types.is_empty() {
        return;
    }
    let Ok(plugins) = client.get::<Items<PluginView>>("/plugins") else { return };
    if plugins.items.is_empty() {
        output::note("there are no plugins yet, so nothing handles these events");
        output::hint("`camshaft deploy FILE.wasm` runs one: it handles what is in the log, too.");
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
        output::hint("`camshaft plugins NAME` shows which types a plugin handles.");
    }
}

/// What a person sees while it goes on: a bar on a terminal, and refused lines.
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
