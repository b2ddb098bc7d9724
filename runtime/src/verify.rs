//! Verifies a data directory that no runtime uses: every record of the log, every kept fact, every entry of
//! the tables.
//!
//! It changes nothing. It opens a copy of the tables, whose large files are links, because the embedded store
//! cleans up the files that it opens.

mod copy;
mod finding;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use camshaft_event::Transaction;
use camshaft_event::transaction::{ConsumerRecord, ConsumerStatus, EncodedEvent};
use camshaft_log::{LogError, RealDisk, VerifiedKept, Verify, VerifyKept, verify_kept};
use camshaft_tables::store::FjallStore;
use camshaft_tables::{Tables, VerifiedEntries};
use serde::Serialize;

use crate::OpenError;
use crate::compose::{KEPT, refuse_log, unusable};
use copy::Copy;
pub use finding::Finding;
use finding::{TablesSummary, of_entries, of_kept, of_log, of_tables};

/// Memory for reading the tables, in bytes.
const CACHE_BYTES: u64 = 16 << 20;

/// The result of verifying a data directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Whether nothing is damaged.
    pub sound: bool,
    /// Number of segments of the log.
    pub segments: u64,
    /// Number of intact records of the log.
    pub records: u64,
    /// Size of an incomplete write at the end of the log, in bytes. The next start removes it.
    pub torn_bytes: u64,
    /// Number of intact facts that outlived the log's retention.
    pub facts: u64,
    /// Number of intact entries of the tables.
    pub entries: u64,
    /// The damage.
    pub damage: Vec<Finding>,
}

/// Verifies the data directory. It calls `progress` with the part that is verified, and the number of its
/// bytes or entries since the last call.
///
/// # Errors
/// A directory that another process uses, that cannot be read, or that a newer version of Camshaft wrote.
pub fn verify(data: &Path, progress: &mut dyn FnMut(Part, u64)) -> Result<VerifyReport, OpenError> {
    let log = data.join("log");
    if !log.is_dir() {
        return Err(unusable(data, &format!("\"{}\" is not a directory", log.display())));
    }
    let disk = RealDisk::open(&log).map_err(|error| refuse_log(data, error))?;
    let copy = Copy::make(data).map_err(|error| unusable(data, &error))?;
    let (summary, entries, mut damage) = tables(data, copy.path(), progress)?;
    let verified = {
        let what = Verify {
            durable: summary.snapshot,
            each: &mut |record| {
                Transaction::decode(record.payload).map(|_| ()).map_err(|error| error.to_string())
            },
            progress: &mut |bytes| progress(Part::Log, bytes),
        };
        camshaft_log::verify(&disk, what).map_err(|error| refuse(data, error))?
    };
    damage.extend(verified.damage.iter().map(|damage| of_log(damage, &summary)));
    let kept = kept(data, &disk, verified.identity, progress)?;
    damage.extend(kept.damage.iter().map(of_kept));
    let is_whole = verified.first_sequence == 1 && verified.damage.is_empty();
    damage.extend(entries.damage.iter().map(|damage| of_entries(damage, &summary, is_whole)));
    damage.iter_mut().for_each(|finding| finding.offer_rebuilding(is_whole));
    Ok(VerifyReport {
        sound: damage.is_empty(),
        segments: verified.segments,
        records: verified.records,
        torn_bytes: verified.torn_bytes,
        facts: kept.entries,
        entries: entries.sound,
        damage,
    })
}

/// The part that is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The log with its kept facts; progress is in bytes.
    Log,
    /// The tables; progress is in entries.
    Tables,
}

/// Checks the kept facts of the log, if there are some.
fn kept(
    data: &Path,
    log: &RealDisk,
    identity: u64,
    progress: &mut dyn FnMut(Part, u64),
) -> Result<VerifiedKept, OpenError> {
    if !data.join("log").join(KEPT).is_dir() {
        return Ok(VerifiedKept::default());
    }
    let folder = log.folder(KEPT).map_err(|error| refuse(data, error))?;
    let what = VerifyKept {
        identity,
        each: &mut |entry| {
            let event = EncodedEvent::from_bytes(&entry.bytes).decode();
            event.map(|_| ()).map_err(|error| error.to_string())
        },
        progress: &mut |bytes| progress(Part::Log, bytes),
    };
    verify_kept(&folder, what).map_err(|error| refuse(data, error))
}

type CheckedTables = (TablesSummary, VerifiedEntries, Vec<Finding>);

/// Checks the tables: who needs what, their damaged entries, and why they cannot be opened, if so.
fn tables(data: &Path, copy: &Path, progress: &mut dyn FnMut(Part, u64)) -> Result<CheckedTables, OpenError> {
    let nothing = (TablesSummary::default(), VerifiedEntries::default());
    let unreadable = |reason: String| Ok((nothing.0.clone(), nothing.1.clone(), vec![of_tables(reason)]));
    let store = match FjallStore::open(copy, CACHE_BYTES) {
        Ok(store) => Arc::new(store),
        Err(error) => return unreadable(error.to_string()),
    };
    let opened = Tables::open(Arc::clone(&store));
    let checked = match &opened {
        Ok(tables) => tables.verify(&mut |entries| progress(Part::Tables, entries)),
        Err(error) if error.is_damage() => return unreadable(error.to_string()),
        Err(error) => return Err(unusable(data, error)),
    };
    let (Ok(tables), Ok(entries)) = (&opened, checked) else {
        return unreadable("no entries can be read".to_owned());
    };
    let mut summary = TablesSummary { snapshot: tables.snapshot().sequence.0, ..TablesSummary::default() };
    for ConsumerRecord { id, name, status, .. } in tables.consumers().unwrap_or_default() {
        if status != ConsumerStatus::Removed {
            // Where an unreadable one stands is a finding of its own.
            summary.consumers.push((id, name, tables.floor(id).ok()));
        }
    }
    Ok((summary, entries, Vec::new()))
}

fn refuse(data: &Path, error: LogError) -> OpenError {
    refuse_log(data, error)
}
