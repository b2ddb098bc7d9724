//! `camshaft verify`: checks a data directory that no runtime uses for damage.

use std::{
    fs,
    path::{Path, PathBuf},
};

use camshaft::{verify::Part, verify::VerifyReport, verify::verify as verify_data};
use camshaft_wire::ErrorCode;
use clap::Args;

use super::{
    failure::Failure,
    output,
    table::{dash, table},
    terminal,
};

#[derive(Debug, Args)]
#[command(after_help = "\
Reads every record of the log, every kept fact and every entry of the tables, and changes
nothing. Exits with 0 if all data is intact, with 3 if something is damaged, and with 5 if a runtime uses
the directory or it cannot be read.")]
pub struct Arguments {
    /// Data directory to check
    #[arg(long, value_name = "DIR", env = "CAMSHAFT_DATA", hide_env = true, default_value = "camshaft-data")]
    data: PathBuf,
}

pub fn verify(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let bar = terminal::progress(log_bytes(&arguments.data) >> 20, "MiB of the log");
    let (mut bytes, mut entries) = (0, 0_u64);
    let report = verify_data(&arguments.data, &mut |part, more| match part {
        Part::Log => {
            bytes += more;
            bar.set_position(bytes >> 20);
        }
        Part::Tables => {
            entries += more;
            if entries.is_multiple_of(10_000) {
                bar.set_message(format!("MiB of the log, {entries} table entries"));
            }
        }
    });
    bar.finish_and_clear();
    let report = report?;
    if json {
        output::json(&report)?;
    } else if !report.sound {
        output::print(&damage(&report))?;
    }
    if report.sound {
        output::note(&summary(&report));
        return Ok(());
    }
    let places = report.damage.len();
    let message = format!("data directory \"{}\" is damaged in {places} places", arguments.data.display());
    Err(Failure::new(ErrorCode::DamageFound, message).detail(summary(&report)))
}

/// The size of the log with its kept facts, for the progress bar.
fn log_bytes(data: &Path) -> u64 {
    let log = data.join("log");
    let files = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    let is_checked = |file: &fs::DirEntry| {
        file.path().extension().is_some_and(|suffix| suffix == "segment" || suffix == "kept")
    };
    let files = files(&log).chain(files(&log.join("kept"))).filter(is_checked);
    files.filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum()
}

fn summary(report: &VerifyReport) -> String {
    let VerifyReport { segments, records, torn_bytes, facts, entries, .. } = report;
    let facts = match facts {
        0 => String::new(),
        facts => format!(", {facts} facts kept beyond the retention"),
    };
    let torn = match torn_bytes {
        0 => String::new(),
        bytes => format!(
            "; a crash left the last {bytes} bytes of the log incomplete, and the next start removes them"
        ),
    };
    format!("{records} records in {segments} segments{facts} and {entries} table entries are intact{torn}")
}

fn damage(report: &VerifyReport) -> String {
    let rows = report.damage.iter().map(|finding| {
        [
            finding.place.clone(),
            finding.position.map_or_else(dash, |position| position.to_string()),
            finding.found.clone(),
            finding.affects.clone(),
            finding.remedy.clone(),
        ]
    });
    table(["PLACE", "BYTE", "FOUND", "AFFECTS", "WHAT TO DO"], rows)
}
