//! `camshaft dead-letters redrive`: some by their ids, or a selection as a job that is followed to its end.

use std::num::NonZeroU32;

use camshaft_event::{FailureCause, Timestamp, TypePattern};
use camshaft_wire::{RedrivePreview, RedriveRequest, RedriveStatusView, RedriveView, parse_reason};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::json;
use tokio::time::timeout;

use super::{
    super::{
        client::Client, confirm::confirm, failure::Failure, output, redrives, signals::Signals, terminal,
        when::when,
    },
    Id,
    act::{self, Act, Acted, counted},
    outcome::{self, LOOK, Outcome},
};

#[derive(Debug, Args)]
#[group(skip)]
pub struct Arguments {
    /// CONSUMER:OFFSET
    #[arg(
        value_name = "ID",
        conflicts_with_all = ["all", "consumer", "event_type", "reason", "since", "until", "rate", "dry_run"]
    )]
    ids: Vec<Id>,

    /// Do not ask
    #[arg(long, short)]
    yes: bool,

    /// Do not wait until they were handled
    #[arg(long)]
    no_wait: bool,

    #[command(flatten)]
    selection: Selection,
}

/// What a job takes, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "A selection, as a job")]
#[group(skip)]
struct Selection {
    /// Of this consumer
    #[arg(long, value_name = "CONSUMER")]
    consumer: Option<String>,

    /// Every one, unless it is narrowed
    #[arg(long, requires = "consumer")]
    all: bool,

    /// Of events of these types only, such as order.placed or order.*
    #[arg(long = "type", value_name = "PATTERN", requires = "consumer")]
    event_type: Option<TypePattern>,

    /// Only those that failed like this in the end, such as reject, retry or trap
    #[arg(long, requires = "consumer", value_parser = parse_reason)]
    reason: Option<FailureCause>,

    /// Only those that died at this time or later, such as 2026-01-31T12:00:00Z, or 2h (ago)
    #[arg(long, value_name = "TIME", requires = "consumer", value_parser = when)]
    since: Option<Timestamp>,

    /// Only those that died before this time
    #[arg(long, value_name = "TIME", requires = "consumer", value_parser = when)]
    until: Option<Timestamp>,

    /// At most so many a second
    #[arg(long, value_name = "N", requires = "consumer")]
    rate: Option<NonZeroU32>,

    /// Only say what would be redriven
    #[arg(long, requires = "consumer")]
    dry_run: bool,
}

/// The body of a request for a job.
#[derive(Serialize)]
struct Start<'r> {
    #[serde(flatten)]
    request: &'r RedriveRequest,
    dry_run: bool,
}

pub fn redrive(client: &Client, arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let Some(request) = arguments.selection.request() else {
        return if arguments.ids.is_empty() {
            Err(act::unnamed("redrive"))
        } else {
            some(client, arguments, json)
        };
    };
    if !arguments.selection.is_narrowed() {
        return Err(act::unnamed("redrive"));
    }
    let preview: RedrivePreview =
        client.post_json("/redrives", &Start { request: &request, dry_run: true })?;
    if arguments.selection.dry_run {
        return show(&preview, json);
    }
    if preview.selected == 0 {
        output::note("there are no dead letters");
        return if json { output::json(&preview) } else { Ok(()) };
    }
    if !confirm(&format!("Redrive {}?", counted(preview.selected)), arguments.yes) {
        return Ok(());
    }
    let job: RedriveView = client.post_json("/redrives", &Start { request: &request, dry_run: false })?;
    let id = job.id;
    let (job, is_settled) = follow(client, job, !arguments.no_wait).map_err(|failure| {
        let detail =
            format!("Redrive job {id} does not need this command: it goes on while the runtime runs.");
        failure.detail(detail).detail(format!("`camshaft redrives {id}` shows how far it is."))
    })?;
    if json {
        output::json(&job)?;
    }
    tell(&job);
    if is_settled { outcome::tell(results(&job)) } else { Ok(()) }
}

/// Redrives those that were named.
fn some(client: &Client, arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let ids = &arguments.ids;
    if !confirm(&format!("Redrive {}?", counted(ids.len() as u64)), arguments.yes) {
        return Ok(());
    }
    let Acted { done, missing } = act::each(client, ids, Act::Redrive, false)?;
    let outcome = match arguments.no_wait {
        true => None,
        false => Some(outcome::until_settled(client, &done)?),
    };
    if json {
        match &outcome {
            Some(outcome) => output::json(outcome)?,
            None => output::json(&json!({ "redriven": done.len() }))?,
        }
    }
    outcome.map_or(Ok(()), outcome::tell)?;
    missing.map_or(Ok(()), Err)
}

/// What became of a job's events so far.
const fn results(job: &RedriveView) -> Outcome {
    Outcome { redriven: job.redriven, handled: job.handled, dead_again: job.dead_again }
}

impl Selection {
    /// Whether it says which of a consumer's dead letters are meant, if only that it is all.
    const fn is_narrowed(&self) -> bool {
        self.all
            || self.event_type.is_some()
            || self.reason.is_some()
            || self.since.is_some()
            || self.until.is_some()
    }

    /// What to ask for; none if nothing is selected.
    fn request(&self) -> Option<RedriveRequest> {
        let consumer = self.consumer.clone()?;
        Some(RedriveRequest {
            consumer,
            event_type: self.event_type.clone(),
            reason: self.reason,
            since: self.since,
            until: self.until,
            rate: self.rate,
        })
    }
}

fn show(preview: &RedrivePreview, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(preview);
    }
    for id in &preview.first {
        output::line(id)?;
    }
    let shown = preview.first.len();
    let first = if preview.selected > shown as u64 {
        format!("; these are the first {shown}")
    } else {
        String::new()
    };
    output::note(&format!("{} would be redriven{first}", counted(preview.selected)));
    Ok(())
}

/// Waits until a job has ended and, if `to_end`, what it sent back was handled or is dead again, with a bar for those who
/// look; whether it came to that. Ctrl-C ends the waiting, not the job.
fn follow(client: &Client, mut job: RedriveView, to_end: bool) -> Result<(RedriveView, bool), Failure> {
    let bar = bar(job.selected);
    let consumer = job.request.consumer.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::internal)?.block_on(async {
        let mut signals = Signals::listen().map_err(Failure::internal)?;
        // Whether anything waits of a job that has sent back everything: what was dropped, such as by a reset, does not.
        let mut holds = true;
        while job.status == RedriveStatusView::Running || (to_end && holds && is_open(&job)) {
            bar.set_position(job.handled + job.dead_again);
            if timeout(LOOK, signals.next()).await.is_ok() {
                bar.finish_and_clear();
                return Ok((job, false));
            }
            // It blocks, but nothing else is to be done meanwhile; a signal is noticed afterwards.
            if to_end {
                let open = job.remaining + job.redriven - job.handled - job.dead_again;
                let is_anything_held = outcome::check_moving(client, &consumer, open)?;
                holds = is_anything_held || job.status == RedriveStatusView::Running;
            }
            job = redrives::get(client, job.id.0)?;
        }
        bar.finish_and_clear();
        Ok((job, to_end))
    })
}

/// Whether something that a job sent back is neither handled nor dead again.
const fn is_open(job: &RedriveView) -> bool {
    job.handled + job.dead_again < job.redriven
}

fn bar(length: u64) -> ProgressBar {
    if !terminal::is_watched() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len}  {elapsed}, {eta} to go");
    ProgressBar::new(length).with_style(style.expect("the template is well-formed"))
}

/// Says how it ended, or that it goes on.
fn tell(job: &RedriveView) {
    let RedriveView { id, selected, redriven, gone, .. } = job;
    let gone = match gone {
        0 => String::new(),
        1 => "; 1 was gone before its turn".to_owned(),
        gone => format!("; {gone} were gone before their turn"),
    };
    match job.status {
        RedriveStatusView::Done => {
            output::note(&format!("redrove {}{gone}", counted(*redriven)));
            output::hint(&format!("`camshaft redrives {id}` shows what came of it."));
        }
        RedriveStatusView::Cancelled => {
            let selected = counted(*selected);
            output::note(&format!("redrive job {id} was cancelled; redrove {redriven} of {selected}{gone}"));
        }
        RedriveStatusView::Running => {
            let selected = counted(*selected);
            output::note(&format!("redrive job {id} goes on; so far it redrove {redriven} of {selected}"));
            output::hint(&format!(
                "`camshaft redrives {id}` shows it, `camshaft redrives cancel {id}` stops it."
            ));
        }
    }
}
