//! A long time at half load: does memory stay, and do waits?
//!
//! The runtime in this process with a plugin, loaded as in `latency`; the log is trimmed as it would be for
//! months.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use camshaft::Retention;
use clap::Parser;

use crate::bench::Bench;
use crate::latency::{DATA_BYTES, RuntimePath, at_rate, capacity};
use crate::measure::{percentile, progress};
use crate::report::{Better, Curve, Grid, Line, Report};
use crate::resident::Resident;

/// What the log may hold, so that it is trimmed all along and the disk does not fill.
const RETENTION_BYTES: u64 = 2 << 30;

/// Points of the curves.
const POINTS: u32 = 120;

/// Puts half load on the runtime for a long time.
#[derive(Parser)]
pub struct Arguments {
    /// How long [default: 10]
    #[arg(long)]
    minutes: Option<f64>,
    /// Events a second [default: half of what is measured before]
    #[arg(long)]
    rate: Option<f64>,
}

/// What one stretch of the time showed.
struct Stretch {
    /// Its end, in seconds since the beginning.
    end: f64,
    resident: Resident,
    p50_ms: f64,
    p99_ms: f64,
    longest_ms: f64,
}

pub fn run(bench: &Bench, arguments: &Arguments) -> Result<Report> {
    let time = Duration::from_secs_f64(arguments.minutes.unwrap_or(bench.scale(10.0, 0.05)) * 60.0);
    let points = bench.scale(POINTS, 6);
    let folder = bench.data()?;
    let (most, rate, stretches) = crate::bench::threads()?.block_on(async {
        let retention = Retention { bytes: Some(RETENTION_BYTES), ..camshaft::Config::default().retention };
        let config = camshaft::Config { retention, ..crate::bench::config(&folder) };
        let (path, mut seen) = RuntimePath::open(config).await?;
        let most =
            capacity(&path, &mut seen, bench.scale(Duration::from_secs(5), Duration::from_millis(300)))
                .await?;
        let rate = arguments.rate.unwrap_or(most / 2.0);
        let bar = progress(usize::try_from(points)?);
        let (started, mut stretches) = (Instant::now(), Vec::new());
        for _ in 0..points {
            let waits = at_rate(&path, &mut seen, rate, time / points).await?;
            ensure!(!waits.is_empty(), "half load is no event at all");
            let mut waits: Vec<f64> = waits.into_iter().map(|wait| wait.as_secs_f64() * 1e3).collect();
            let [p50_ms, p99_ms, longest_ms] = [0.5, 0.99, 1.0].map(|part| percentile(&mut waits, part));
            let (end, resident) = (started.elapsed().as_secs_f64(), Resident::now());
            bar.set_message(format!("{:.0} MiB, p99 {p99_ms:.1} ms", resident.all_mib));
            stretches.push(Stretch { end, resident, p50_ms, p99_ms, longest_ms });
            bar.inc(1);
        }
        bar.finish_and_clear();
        path.close().await;
        anyhow::Ok((most, rate, stretches))
    })?;
    Ok(report(&stretches)
        .setting(
            "data",
            format!("{DATA_BYTES} bytes; one state read, one write and one published event per event"),
        )
        .setting(
            "load",
            format!("{rate:.0} events/s; {most:.0} were measured before, as much as it can take"),
        )
        .setting("time", format!("{:.1} minutes", time.as_secs_f64() / 60.0))
        .setting("log", format!("trimmed at {} GiB", RETENTION_BYTES >> 30))
        .setting("memory", "of the whole process, with the producers; the setting is 256 MiB"))
}

fn report(stretches: &[Stretch]) -> Report {
    let line = |name: &str, value: fn(&Stretch) -> f64| Line {
        name: name.to_owned(),
        points: stretches.iter().map(|stretch| (stretch.end, value(stretch))).collect(),
    };
    let curve = |title: &str, up: &str, lines| Curve {
        title: title.to_owned(),
        across: "seconds".to_owned(),
        up: up.to_owned(),
        lines,
    };
    let memory = vec![
        line("resident", |stretch| stretch.resident.all_mib),
        line("of it anonymous", |stretch| stretch.resident.anonymous_mib),
    ];
    let waits = vec![line("p50", |stretch| stretch.p50_ms), line("p99", |stretch| stretch.p99_ms)];
    let columns = ["RSS, MiB", "of it anonymous, MiB", "p50, ms", "p99, ms", "longest, ms"];
    let mut grid = Grid::new("over the time", "unit as named", Better::Lower, columns);
    for (name, part) in [("first third", 0), ("second third", 1), ("last third", 2)] {
        let third = stretches.len().div_ceil(3).max(1);
        let Some(stretches) = stretches.chunks(third).nth(part) else { continue };
        let column = |value: fn(&Stretch) -> f64| stretches.iter().map(value).collect();
        grid.row(
            name,
            vec![
                column(|stretch| stretch.resident.all_mib),
                column(|stretch| stretch.resident.anonymous_mib),
                column(|stretch| stretch.p50_ms),
                column(|stretch| stretch.p99_ms),
                column(|stretch| stretch.longest_ms),
            ],
        );
    }
    let curves = vec![curve("memory", "MiB", memory), curve("from publish to effects", "ms", waits)];
    Report { grids: vec![grid], curves, ..Report::new("soak", "A long time at half load.") }
}
