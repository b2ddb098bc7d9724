//! `camshaft dead-letters redrive`: redrives by ids, or starts a job for a selection and follows it to its
//! end.

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
    /// Ids of dead letters, as CONSUMER:OFFSET
    #[arg(
        value_name = "ID",
        conflicts_with_all = ["all", "consumer", "event_type", "reason", "since", "until", "rate", "dry_run"]
    )]
    ids: Vec<Id>,

    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,

    /// Do not wait until the events are handled
    #[arg(long)]
    no_wait: bool,

    #[command(flatten)]
    selection: Selection,
}

/// What a job redrives, and how fast.
#[derive(Debug, Args)]
#[command(next_help_heading = "Selection, redriven as a job")]
#[group(skip)]
struct Selection {
    /// Consumer whose dead letters to redrive
    #[arg(long, value_name = "CONSUMER")]
    consumer: Option<String>,

    /// Select all dead letters of the consumer that match the other options
    #[arg(long, requires = "consumer")]
    all: bool,

    /// Only events whose type matches, such as order.placed or order.*
    #[arg(long = "type", value_name = "PATTERN", requires = "consumer")]
    event_type: Option<TypePattern>,

    /// Only dead letters whose last attempt failed this way, such as reject, retry or trap
    #[arg(long, requires = "consumer", value_parser = parse_reason)]
    reason: Option<FailureCause>,

    /// Only dead letters added at or after this time, such as 2026-01-31T12:00:00Z, or an age such as 2h
    #[arg(long, value_name = "TIME", requires = "consumer", value_parser = when)]
    since: Option<Timestamp>,

    /// Only dead letters added before this time
    #[arg(long, value_name = "TIME", requires = "consumer", value_parser = when)]
    until: Option<Timestamp>,

    /// Maximum dead letters per second
    #[arg(long, value_name = "N", requires = "consumer")]
    rate: Option<NonZeroU32>,

    /// Show what would be redriven, without redriving
    #[arg(long, requires = "consumer")]
    dry_run: bool,
}

/// The request body that starts a job.
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
            format!("Redrive job {id} does not need this command: it continues while the runtime runs.");
        failure.detail(detail).detail(format!("Run `camshaft redrives {id}` to see its progress."))
    })?;
    if json {
        output::json(&job)?;
    }
    tell(&job);
    if is_settled { outcome::tell(results(&job)) } else { Ok(()) }
}

/// Redrives the named dead letters.
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

/// The results of a job so far.
const fn results(job: &RedriveView) -> Outcome {
    Outcome { redriven: job.redriven, handled: job.handled, dead_again: job.dead_again }
}

impl Selection {
    /// Whether it selects dead letters of the consumer explicitly, at least by `--all`.
    const fn is_narrowed(&self) -> bool {
        self.all
            || self.event_type.is_some()
            || self.reason.is_some()
            || self.since.is_some()
            || self.until.is_some()
    }

    /// The request for the runtime; none if no consumer is selected.
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
        format!("; the first {shown} are listed")
    } else {
        String::new()
    };
    output::note(&format!("{} would be redriven{first}", counted(preview.selected)));
    Ok(())
}

/// Waits until a job has ended and, if `to_end`, until each event that it redrove is handled or is a dead
/// letter again. Shows a progress bar at a terminal. Returns the job, and whether it was followed to its end:
/// Ctrl-C stops the waiting, not the job.
fn follow(client: &Client, mut job: RedriveView, to_end: bool) -> Result<(RedriveView, bool), Failure> {
    let bar = bar(job.selected);
    let consumer = job.request.consumer.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::internal)?.block_on(async {
        let mut signals = Signals::listen().map_err(Failure::internal)?;
        // Whether events of the job may still be waiting once it has redriven all. Events that were dropped,
        // for example by a reset, no longer wait.
        let mut holds = true;
        while job.status == RedriveStatusView::Running || (to_end && holds && is_open(&job)) {
            bar.set_position(job.handled + job.dead_again);
            if timeout(LOOK, signals.next()).await.is_ok() {
                bar.finish_and_clear();
                return Ok((job, false));
            }
            // This call blocks, which is fine: there is no other work, and a signal is handled afterwards.
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

/// Whether some redriven events are neither handled nor dead letters again.
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

/// Reports how the job ended, or that it continues.
fn tell(job: &RedriveView) {
    let RedriveView { id, selected, redriven, gone, .. } = job;
    let gone = match gone {
        0 => String::new(),
        1 => "; 1 no longer existed".to_owned(),
        gone => format!("; {gone} no longer existed"),
    };
    match job.status {
        RedriveStatusView::Done => {
            output::note(&format!("redrove {}{gone}", counted(*redriven)));
            output::hint(&format!("Run `camshaft redrives {id}` to see the results."));
        }
        RedriveStatusView::Cancelled => {
            let selected = counted(*selected);
            output::note(&format!("redrive job {id} was cancelled; redrove {redriven} of {selected}{gone}"));
        }
        RedriveStatusView::Running => {
            let selected = counted(*selected);
            output::note(&format!("redrive job {id} continues; it redrove {redriven} of {selected} so far"));
            output::hint(&format!(
                "Run `camshaft redrives {id}` to see it, `camshaft redrives cancel {id}` to stop it."
            ));
        }
    }
}
