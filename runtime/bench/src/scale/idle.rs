//! The program with nothing to do: what memory it takes, and which of its threads wake up how often.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::wakeups::{self, Threads};
use crate::bench::Bench;
use crate::report::{Better, Grid, Report};
use crate::server::Server;

/// How long it rests before it is looked at.
const REST: Duration = Duration::from_secs(3);

/// How long wake-ups are counted.
const TIME: Duration = Duration::from_secs(10);

pub(super) fn run(bench: &Bench) -> Result<Report> {
    let (rest, time) = bench.scale((REST, TIME), (Duration::from_millis(500), Duration::from_secs(1)));
    let threads = crate::bench::threads()?;
    let server = threads.block_on(Server::start(&bench.folder))?;
    thread::sleep(rest);
    let memory = fs::read_to_string(format!("/proc/{}/status", server.id()))
        .context("the kernel says nothing about memory")?;
    let before = Threads::of(server.id())?;
    thread::sleep(time);
    let after = Threads::of(server.id())?;
    let mut resident = Grid::new("idle, memory", "MiB", Better::Lower, ["value"]);
    for (case, field) in
        [("resident", "VmRSS:"), ("of it anonymous", "RssAnon:"), ("of it mapped files", "RssFile:")]
    {
        resident.once(case, [wakeups::field(&memory, field) as f64 / 1024.0]);
    }
    let mut woken = Grid::new("idle, threads that wake up", "times a second", Better::Lower, ["value"]);
    let per_second =
        after.since(&before).into_iter().map(|(name, count)| (name, count as f64 / time.as_secs_f64()));
    let per_second: Vec<(String, f64)> = per_second.collect();
    woken.once("all threads", [per_second.iter().map(|(_, rate)| rate).sum::<f64>()]);
    for (name, rate) in per_second {
        woken.once(name, [rate]);
    }
    let report =
        Report::new("idle", "`camshaft run` in a process of its own, with an empty log and no plugin")
            .setting(
                "wake-ups",
                format!(
                    "voluntary context switches of its threads within {} s, after {} s of rest",
                    time.as_secs_f64(),
                    rest.as_secs_f64()
                ),
            );
    Ok(Report { grids: vec![resident, woken], ..report })
}
