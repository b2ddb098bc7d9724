//! `camshaft redrives`: shows and cancels redrive jobs. `dead-letters redrive` starts them.

use camshaft_wire::{Items, RedriveStatusView, RedriveView};
use clap::{Args, Subcommand};

use super::{
    client::{Client, path},
    failure::Failure,
    output,
    table::{sheet, since, table, time},
};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,

    /// Number of one job to show in detail
    id: Option<u64>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Stop a job; events that it has redriven stay redriven
    Cancel {
        /// Number of the job
        id: u64,
    },
}

pub fn redrives(client: &Client, arguments: &Arguments, json: bool) -> Result<(), Failure> {
    if let Some(Action::Cancel { id }) = arguments.action {
        client.delete(&path(&["redrives", &id.to_string()]))?;
        if json {
            return output::json(&get(client, id)?);
        }
        output::note(&format!("redrive job {id} is cancelled; events that it has redriven stay redriven"));
        return Ok(());
    }
    if let Some(id) = arguments.id {
        let job = get(client, id)?;
        return if json { output::json(&job) } else { output::print(&one(&job)) };
    }
    let jobs: Items<RedriveView> = client.get("/redrives")?;
    if json {
        return output::json(&jobs);
    }
    if jobs.items.is_empty() {
        output::note("there are no redrive jobs");
        output::hint("Run `camshaft dead-letters redrive --consumer C --all` to start one.");
        return Ok(());
    }
    output::table(&all(&jobs.items))
}

/// Gets one job.
pub fn get(client: &Client, id: u64) -> Result<RedriveView, Failure> {
    client.get(&path(&["redrives", &id.to_string()]))
}

fn all(jobs: &[RedriveView]) -> String {
    let rows = jobs.iter().map(|job| {
        [
            job.id.to_string(),
            job.request.consumer.clone(),
            status(job.status).to_owned(),
            since(job.started_at),
            job.selected.to_string(),
            job.remaining.to_string(),
            job.redriven.to_string(),
            job.handled.to_string(),
            job.dead_again.to_string(),
        ]
    });
    let header =
        ["ID", "CONSUMER", "STATUS", "STARTED", "SELECTED", "REMAINING", "REDRIVEN", "HANDLED", "DEAD AGAIN"];
    table(header, rows)
}

fn one(job: &RedriveView) -> String {
    let request = &job.request;
    sheet([
        ("id", Some(job.id.to_string())),
        ("consumer", Some(request.consumer.clone())),
        ("type", request.event_type.as_ref().map(ToString::to_string)),
        ("reason", request.reason.map(|reason| reason.code().to_owned())),
        ("since", request.since.map(time)),
        ("until", request.until.map(time)),
        ("rate", request.rate.map(|rate| format!("{rate} per second"))),
        ("status", Some(status(job.status).to_owned())),
        ("started", Some(time(job.started_at))),
        ("ended", job.ended_at.map(time)),
        ("selected", Some(job.selected.to_string())),
        ("remaining", Some(job.remaining.to_string())),
        ("redriven", Some(job.redriven.to_string())),
        ("gone", Some(job.gone.to_string())),
        ("handled", Some(job.handled.to_string())),
        ("dead again", Some(job.dead_again.to_string())),
    ])
}

const fn status(status: RedriveStatusView) -> &'static str {
    match status {
        RedriveStatusView::Running => "running",
        RedriveStatusView::Done => "done",
        RedriveStatusView::Cancelled => "cancelled",
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use camshaft_event::{FailureCause, RedriveId, Timestamp};

    use super::*;
    use camshaft_wire::RedriveRequest;

    #[test]
    fn jobs_are_shown_with_what_they_take_and_what_came_of_it() {
        let at = Timestamp(1_769_860_800_000);
        let running = RedriveView {
            id: RedriveId(2),
            request: RedriveRequest {
                consumer: "stock".into(),
                event_type: Some("order.*".parse().unwrap()),
                reason: Some(FailureCause::Reject),
                since: Some(at),
                until: None,
                rate: NonZeroU32::new(10),
            },
            status: RedriveStatusView::Running,
            started_at: at,
            ended_at: None,
            selected: 100,
            remaining: 60,
            redriven: 39,
            gone: 1,
            handled: 30,
            dead_again: 8,
        };
        let done = RedriveView {
            id: RedriveId(1),
            status: RedriveStatusView::Done,
            ended_at: Some(at),
            remaining: 0,
            ..running.clone()
        };
        insta::assert_snapshot!(all(&[done, running.clone()]), @"
        ID  CONSUMER  STATUS   STARTED               SELECTED  REMAINING  REDRIVEN  HANDLED  DEAD AGAIN
        1   stock     done     2026-01-31T12:00:00Z  100       0          39        30       8
        2   stock     running  2026-01-31T12:00:00Z  100       60         39        30       8
        ");
        insta::assert_snapshot!(one(&running), @"
        id          2
        consumer    stock
        type        order.*
        reason      reject
        since       2026-01-31T12:00:00Z
        rate        10 per second
        status      running
        started     2026-01-31T12:00:00Z
        selected    100
        remaining   60
        redriven    39
        gone        1
        handled     30
        dead again  8
        ");
    }
}
