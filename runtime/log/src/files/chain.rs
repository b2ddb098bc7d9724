//! The segments in a directory as a chain: each header names the segment before it, so that a missing or a
//! foreign file is noticed without reading any record. The damaged header of an older segment is restored in
//! memory from the records before it, that of the oldest from its own.
//!
//! Used once, when the log is opened; changes nothing.

use super::names::{parse_segment_name, segment_name};
use super::segment_header::{SEGMENT_HEADER_BYTES, SegmentHeader};
use super::stamp::Unreadable;
use super::walk::{Check, Place, Step, Walk};
use crate::record::Checksum;
use crate::record::fields::length_usize;
use crate::{Disk, LogError};

/// One segment's header, and the length of its file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub header: SegmentHeader,
    pub file_bytes: u64,
    /// Whether the header in the file is damaged; this one says what it must have said.
    pub is_restored: bool,
}

impl Link {
    pub fn name(&self) -> String {
        segment_name(self.header.first_sequence)
    }
}

/// Reads the headers of all segments, oldest first, and checks that they fit together.
pub(crate) fn read_chain(disk: &dyn Disk) -> Result<Vec<Link>, LogError> {
    let names = disk.list().map_err(|error| LogError::io("list", "the data directory", error))?;
    let mut first_sequences: Vec<u64> = names.iter().filter_map(|name| parse_segment_name(name)).collect();
    first_sequences.sort_unstable();

    let mut links = first_sequences.iter().map(|first_sequence| read_link(disk, *first_sequence)).peekable();
    let mut chain: Vec<Link> = Vec::new();
    for first_sequence in &first_sequences {
        let Some(read) = links.next() else { break };
        let link = match (read, chain.last()) {
            // IMPORTANT: not in the newest segment, whose header alone tells where the log goes on.
            (Err(damage @ LogError::Corrupt { .. }), Some(before)) if links.peek().is_some() => {
                restore_link(disk, before, *first_sequence)?.ok_or(damage)?
            }
            (Err(damage @ LogError::Corrupt { .. }), None) => match links.peek() {
                Some(Ok(following)) => restore_oldest(disk, *first_sequence, following)?.ok_or(damage)?,
                _ => return Err(damage),
            },
            (read, _) => read?,
        };
        if let Some(before) = chain.last() {
            check_link(before, &link)?;
        }
        chain.push(link);
    }
    Ok(chain)
}

fn read_link(disk: &dyn Disk, first_sequence: u64) -> Result<Link, LogError> {
    let name = segment_name(first_sequence);
    let failed = |action| {
        let name = name.as_str();
        move |error| LogError::io(action, name, error)
    };
    let file = disk.open(&name).map_err(failed("open"))?;
    let mut bytes = vec![0; length_usize(SEGMENT_HEADER_BYTES)];
    let read = file.read_at(&mut bytes, 0).map_err(failed("read"))?;
    let file_bytes = file.len().map_err(failed("measure"))?;
    let header = if read == bytes.len() { SegmentHeader::decode(&bytes) } else { Err(Unreadable::Short) };
    let header = header.map_err(|unreadable| unreadable.in_file(&name))?;
    if header.first_sequence != first_sequence || first_sequence == 0 {
        let detail = format!("the header has {} as its first sequence", header.first_sequence);
        return Err(LogError::Corrupt { file: name, position: 0, detail });
    }
    Ok(Link { header, file_bytes, is_restored: false })
}

/// What the damaged header of a segment must have said, by the records of the segment before it; none if
/// these do not tell.
fn restore_link(disk: &dyn Disk, before: &Link, first_sequence: u64) -> Result<Option<Link>, LogError> {
    let file = |name: &str| disk.open(name).map_err(|error| LogError::io("open", name, error));
    let (name, earlier) = (segment_name(first_sequence), before.name());
    let identity = before.header.identity;
    let earlier_file = file(&earlier)?;
    let start = Place::first_of(&before.header);
    let mut walk = Walk::new(earlier_file.as_ref(), &earlier, Checksum::of_log(identity), start)?;
    while walk.next_place().sequence < first_sequence {
        match walk.step(Check::Headers)? {
            Step::Record(..) => {}
            Step::Stop(reason) => {
                if !walk.pass(reason, first_sequence.saturating_sub(1))? {
                    return Ok(None);
                }
            }
        }
    }
    let Place { first_offset, timestamp_ms, .. } = walk.next_place();
    let file_bytes = file(&name)?.len().map_err(|error| LogError::io("measure", &name, error))?;
    let header = SegmentHeader {
        identity,
        first_sequence,
        first_offset,
        first_timestamp_ms: timestamp_ms,
        previous_first_sequence: before.header.first_sequence,
    };
    Ok(Some(Link { header, file_bytes, is_restored: true }))
}

/// What the damaged header of the oldest segment must have said, by the first of its records that has a whole
/// header; none if there is no such record. What lies before that record is lost with the header: the log
/// begins behind it.
fn restore_oldest(disk: &dyn Disk, first_sequence: u64, following: &Link) -> Result<Option<Link>, LogError> {
    let name = segment_name(first_sequence);
    let identity = following.header.identity;
    let file = disk.open(&name).map_err(|error| LogError::io("open", &name, error))?;
    let file_bytes = file.len().map_err(|error| LogError::io("measure", &name, error))?;
    // Where nothing is known yet: each header in the file is a later one.
    let start =
        Place { position: 0, sequence: first_sequence.saturating_sub(1), first_offset: 0, timestamp_ms: 0 };
    let mut walk = Walk::new(file.as_ref(), &name, Checksum::of_log(identity), start)?;
    if !walk.pass_damage(following.header.first_sequence.saturating_sub(1))? {
        return Ok(None);
    }
    let Place { first_offset, timestamp_ms, .. } = walk.next_place();
    let header = SegmentHeader {
        identity,
        first_sequence,
        first_offset,
        first_timestamp_ms: timestamp_ms,
        // Nothing asks for it: what came before was trimmed.
        previous_first_sequence: 0,
    };
    Ok(Some(Link { header, file_bytes, is_restored: true }))
}

fn check_link(before: &Link, link: &Link) -> Result<(), LogError> {
    let corrupt = |detail| Err(LogError::Corrupt { file: link.name(), position: 0, detail });
    if link.header.identity != before.header.identity {
        return corrupt(format!("the segment belongs to another log than \"{}\"", before.name()));
    }
    if link.header.previous_first_sequence != before.header.first_sequence {
        let missing = segment_name(link.header.previous_first_sequence);
        return corrupt(format!("the segment before it, \"{missing}\", is missing"));
    }
    if link.header.first_offset < before.header.first_offset {
        return corrupt("its first offset is smaller than that of the segment before it".to_owned());
    }
    Ok(())
}
