//! Opens what an earlier run left: verifies it, tells a torn tail from corruption, cuts the one and refuses
//! the other. `FORMAT.md`, "Opening", says the rules.
//!
//! Nothing is written before everything is judged: a corrupt log stays as it was found.

use std::sync::Arc;

use super::chain::{Link, read_chain};
use super::clean_mark::{CleanMark, FoundMark};
use super::names::{CLEAN, segment_name};
use super::options::Options;
use super::segment::Segment;
use super::tail::Tail;
use super::walk::{Check, Place, Step, Walk, corrupt};
use crate::record::{Checksum, NoRecord};
use crate::{Disk, DiskFile, LogError};

/// What opening a log found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// True if there was no log, and one was created.
    pub created: bool,
    /// True if the last run closed the log and nothing was written since.
    pub clean: bool,
    /// Records that were read and checked.
    pub verified_records: u64,
    /// The torn tail that was cut off, if there was one.
    pub cut: Option<Cut>,
    /// What is wrong with the mark of the last clean shutdown, if it is damaged. The records decided without
    /// it.
    pub damaged_mark: Option<String>,
    /// Older segments whose headers are damaged; records say what these held.
    pub damaged_headers: Vec<String>,
}

/// A torn tail that was cut off: none of it was ever known durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The segment's file name.
    pub file: String,
    /// Where the records end now, in bytes.
    pub position: u64,
    /// How many bytes from there on were overwritten with zeros.
    pub bytes: u64,
    /// How many whole headers of later records were among them.
    pub later_records: u64,
}

/// A verified log.
pub(crate) struct Found {
    pub identity: u64,
    /// Oldest first; at least one.
    pub segments: Vec<Arc<Segment>>,
    /// The last segment's file.
    pub file: Arc<dyn DiskFile>,
    /// Where the next record goes, its number and offset, and the last record's timestamp.
    pub next: Place,
    pub recovery: Recovery,
}

/// Verifies and repairs the log in this directory; none if there is none yet.
pub(crate) fn recover(disk: &dyn Disk, options: &Options) -> Result<Option<Found>, LogError> {
    let (mark, damaged_mark) = match CleanMark::read(disk)? {
        FoundMark::None => (None, None),
        FoundMark::Whole(mark) => (Some(mark), None),
        FoundMark::Damaged(detail) => (None, Some(detail)),
    };
    let chain = read_chain(disk)?;
    let claimed = claim(options, mark);
    let (Some(oldest), Some(newest)) = (chain.first(), chain.last()) else {
        return if claimed == 0 { Ok(None) } else { Err(no_segments(claimed)) };
    };
    let identity = oldest.header.identity;
    if mark.is_some_and(|mark| mark.identity != identity) {
        return Err(LogError::Mark {
            file: CLEAN.to_owned(),
            detail: "it belongs to another log".to_owned(),
        });
    }
    let verify_from = options.verify_from.unwrap_or(oldest.header.first_sequence);
    if verify_from < oldest.header.first_sequence {
        return Err(begins_too_late(oldest, verify_from));
    }

    let checksum = Checksum::of_log(identity);
    let name = newest.name();
    let file = disk.open(&name).map_err(|error| LogError::io("open", &name, error))?;
    let segments = segments_of(&chain, &file);
    let verified = verify(disk, checksum, &segments, verify_from)?;
    let tail = Tail { file: file.as_ref(), name: &name, checksum, end: verified.next };
    let torn = tail.judge(claimed, verified.reason)?;
    if let (Some(detail), Some(_)) = (&damaged_mark, &torn) {
        // IMPORTANT: the mark may have said that the cut part was durable, so nothing is cut without it.
        return Err(unmarked_tail(&name, &verified, detail));
    }

    // From here on the log is known to be sound, and is repaired.
    let cut = torn.map(|torn| tail.cut(&torn)).transpose()?;
    // IMPORTANT: what a killed process wrote is readable without being durable, and after a failed sync the
    // system may take it for written: a further sync would not write it. So all that nobody knew durable is
    // written again.
    if let Some(position) = first_doubtful(&segments, &file, checksum, claimed.max(verified.synced))? {
        tail.rewrite(position)?;
    }
    // IMPORTANT: all of it must be durable before a new record claims that it is; and so must the names.
    file.sync_all().map_err(|error| LogError::io("sync", &name, error))?;
    disk.sync_dir().map_err(|error| LogError::io("sync the name of", &name, error))?;

    let clean =
        cut.is_none() && mark.is_some_and(|mark| mark.sequence == verified.next.sequence.saturating_sub(1));
    let damaged_headers = chain.iter().filter(|link| link.is_restored).map(Link::name).collect();
    let recovery = Recovery {
        created: false,
        clean,
        verified_records: verified.records,
        cut,
        damaged_mark,
        damaged_headers,
    };
    Ok(Some(Found { identity, segments, file, next: verified.next, recovery }))
}

/// The last sequence that someone outside the segments knows to be durable.
fn claim(options: &Options, mark: Option<CleanMark>) -> u64 {
    // A snapshot is only taken of what is durable.
    let by_snapshot = options.verify_from.map_or(0, |sequence| sequence.saturating_sub(1));
    by_snapshot.max(mark.map_or(0, |mark| mark.sequence))
}

fn segments_of(chain: &[Link], last_file: &Arc<dyn DiskFile>) -> Vec<Arc<Segment>> {
    let last = chain.len().saturating_sub(1);
    let segment = |(index, link): (usize, &Link)| {
        let file = (index == last).then(|| Arc::clone(last_file));
        Arc::new(Segment::new(&link.header, link.file_bytes, file))
    };
    chain.iter().enumerate().map(segment).collect()
}

/// How far the records go.
struct Verified {
    next: Place,
    /// Why there is no further record.
    reason: NoRecord,
    /// The last sequence that these records know to be synced.
    synced: u64,
    records: u64,
}

/// Checks every record from the segment that holds `verify_from` on. In all segments but the last one every
/// flaw is corruption, since they were synced before the next one got its name.
fn verify(
    disk: &dyn Disk,
    checksum: Checksum,
    segments: &[Arc<Segment>],
    verify_from: u64,
) -> Result<Verified, LogError> {
    let after = segments.partition_point(|segment| segment.first.sequence <= verify_from);
    let mut rest = segments.get(after.saturating_sub(1)..).unwrap_or_default().iter().peekable();
    let (mut records, mut synced) = (0, 0);
    while let Some(segment) = rest.next() {
        let (file, _) = segment.open(disk)?;
        let mut walk = Walk::new(file.as_ref(), &segment.name, checksum, segment.first)?;
        let reason = loop {
            match walk.step(Check::Payloads)? {
                Step::Record(place, header) => {
                    segment.note([place]);
                    synced = synced.max(header.synced);
                    records += 1;
                }
                Step::Stop(reason) => {
                    // What lies before the snapshot is needed by readers only, who meet the damage
                    // themselves.
                    let is_old = walk.next_place().sequence < verify_from;
                    let last = rest.peek().map_or(u64::MAX, |next| next.first.sequence.saturating_sub(1));
                    if !is_old || !walk.pass(reason, last)? {
                        break reason;
                    }
                }
            }
        };
        let next = walk.next_place();
        match rest.peek() {
            None => return Ok(Verified { next, reason, synced, records }),
            Some(following) => {
                let joins = next.sequence == following.first.sequence
                    && next.first_offset == following.first.first_offset;
                if !joins {
                    return Err(corrupt(&segment.name, next.position, reason));
                }
                // Verifying a long log must not keep all its files open.
                segment.forget();
            }
        }
    }
    unreachable!("a log has at least one segment")
}

/// Where the first record stands that comes after the last one known durable; none if there is no such
/// record. Only the last segment can hold it.
fn first_doubtful(
    segments: &[Arc<Segment>],
    file: &Arc<dyn DiskFile>,
    checksum: Checksum,
    synced: u64,
) -> Result<Option<u64>, LogError> {
    let Some(last) = segments.last() else { return Ok(None) };
    let near = last.nearest(|place| place.sequence <= synced.saturating_add(1));
    let mut walk = Walk::new(file.as_ref(), &last.name, checksum, near)?;
    loop {
        match walk.step(Check::Headers)? {
            Step::Record(place, _) if place.sequence > synced => return Ok(Some(place.position)),
            Step::Record(..) => {}
            // Damage that the snapshot covers lies before all that is doubtful.
            Step::Stop(reason) if walk.next_place().sequence <= synced && walk.pass(reason, u64::MAX)? => {}
            Step::Stop(_) => return Ok(None),
        }
    }
}

/// A tail that would be cut if the damaged mark did not say otherwise.
fn unmarked_tail(name: &str, verified: &Verified, mark: &str) -> LogError {
    let Place { position, sequence, .. } = verified.next;
    let detail = format!(
        "{mark}; also, file \"{name}\" has no whole record {sequence} at byte {position}: either a write was \
         interrupted, or a durable record is damaged"
    );
    LogError::Mark { file: CLEAN.to_owned(), detail }
}

fn no_segments(claimed: u64) -> LogError {
    let detail = format!("all segments are missing, but records up to {claimed} were durable");
    LogError::Corrupt { file: segment_name(1), position: 0, detail }
}

fn begins_too_late(oldest: &Link, verify_from: u64) -> LogError {
    let first = oldest.header.first_sequence;
    let detail = format!(
        "the log begins with sequence {first}, but the snapshot continues with {verify_from}: \
         earlier segments or a newer snapshot are missing"
    );
    LogError::Corrupt { file: oldest.name(), position: 0, detail }
}
