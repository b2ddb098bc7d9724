//! Checks a whole log without changing it: every record of every segment, and the mark of a clean shutdown.
//!
//! `camshaft verify` calls it while no writer has the log. Damage is collected, not an error; what a record's
//! payload means is for the caller to check.

use std::sync::Arc;

use super::chain::{Link, read_chain};
use super::clean_mark::{CleanMark, FoundMark};
use super::names::CLEAN;
use super::tail::Tail;
use super::walk::{Check, Place, Step, Walk};
use crate::record::fields::length_usize;
use crate::record::{Checksum, HEADER_BYTES, Header, NoRecord};
use crate::{Disk, DiskFile, LogError, Record};

/// What checking a log needs.
pub struct Verify<'v> {
    /// Up to where records are known durable by somebody outside the log, such as the tables; 0 if nobody
    /// knows.
    pub durable: u64,
    /// Called with each whole record, in order; says what is wrong with its payload, if anything.
    pub each: &'v mut dyn FnMut(Record<'_>) -> Result<(), String>,
    /// Called with the bytes that have been checked since the last call.
    pub progress: &'v mut dyn FnMut(u64),
}

/// What was checked, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// The identity of the log; 0 if there is no log.
    pub identity: u64,
    /// Segments.
    pub segments: u64,
    /// Whole records.
    pub records: u64,
    /// Sequence of the first record that the log retains; 0 if there is no log.
    pub first_sequence: u64,
    /// Sequence of the last record.
    pub last_sequence: u64,
    /// Bytes behind the last record that are no record and were never known durable: the next start cuts
    /// them.
    pub torn_bytes: u64,
    /// What is damaged, in order.
    pub damage: Vec<Damage>,
}

/// A damaged part of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub file: String,
    /// Where in it, in bytes.
    pub position: u64,
    /// What is wrong there.
    pub detail: String,
    /// The first sequence that cannot be read, if that is known.
    pub sequence: Option<u64>,
    /// The events that cannot be read: the first offset, and the first one behind them. None in the mark and
    /// in files of which nothing can be read.
    pub offsets: Option<(u64, u64)>,
}

/// Checks the log in this directory. Nothing is written.
///
/// # Errors
/// [`LogError::NewerFormat`] for a log of a newer program, [`LogError::Io`] where the directory cannot be
/// read.
pub fn verify(disk: &dyn Disk, what: Verify<'_>) -> Result<Verified, LogError> {
    let mut verified = Verified::default();
    let mut claimed = what.durable;
    match CleanMark::read(disk)? {
        FoundMark::None => {}
        FoundMark::Whole(mark) => claimed = claimed.max(mark.sequence),
        FoundMark::Damaged(detail) => verified.damage.push(Damage {
            file: CLEAN.to_owned(),
            position: 0,
            detail: format!("the mark of the last clean shutdown is damaged: {detail}"),
            sequence: None,
            offsets: None,
        }),
    }
    let chain = match read_chain(disk) {
        Ok(chain) => chain,
        Err(LogError::Corrupt { file, position, detail }) => {
            // Without the chain nobody knows which records belong together.
            verified.damage.push(Damage { file, position, detail, sequence: None, offsets: None });
            return Ok(verified);
        }
        Err(error) => return Err(error),
    };
    let Some(first) = chain.first() else { return Ok(verified) };
    (verified.identity, verified.first_sequence) = (first.header.identity, first.header.first_sequence);
    let mut verifier =
        Verifier { disk, checksum: Checksum::of_log(first.header.identity), claimed, what, verified };
    for (index, link) in chain.iter().enumerate() {
        verifier.segment(link, chain.get(index.saturating_add(1)))?;
    }
    Ok(verifier.verified)
}

struct Verifier<'d, 'v> {
    disk: &'d dyn Disk,
    checksum: Checksum,
    /// The last sequence that somebody knows to be durable.
    claimed: u64,
    what: Verify<'v>,
    verified: Verified,
}

impl Verifier<'_, '_> {
    fn segment(&mut self, link: &Link, following: Option<&Link>) -> Result<(), LogError> {
        let name = link.name();
        let file = self.disk.open(&name).map_err(|error| LogError::io("open", &name, error))?;
        self.verified.segments = self.verified.segments.saturating_add(1);
        if link.is_restored {
            let Place { sequence, first_offset, .. } = Place::first_of(&link.header);
            // What the oldest segment held before its first whole header is not known.
            let offsets = self.verified.segments.checked_sub(2).map(|_| (first_offset, first_offset));
            self.verified.damage.push(Damage {
                file: name.clone(),
                position: 0,
                detail: "the header of the segment is damaged; the records replace it".to_owned(),
                sequence: Some(sequence),
                offsets,
            });
        }
        let mut walk = Walk::new(file.as_ref(), &name, self.checksum, Place::first_of(&link.header))?;
        let last_sequence = following.map_or(u64::MAX, |next| next.header.first_sequence.saturating_sub(1));
        let mut shown = 0;
        while walk.next_place().sequence <= last_sequence {
            match walk.step(Check::Payloads)? {
                Step::Record(place, header) => self.record(&file, &name, place, &header)?,
                Step::Stop(reason) => {
                    if following.is_none() && !self.is_damage(&file, &name, &walk, reason)? {
                        break;
                    }
                    self.pass(&mut walk, &name, following, reason)?;
                }
            }
            let position = walk.next_place().position;
            (self.what.progress)(position.saturating_sub(shown));
            shown = position;
        }
        (self.what.progress)(link.file_bytes.saturating_sub(shown));
        self.verified.last_sequence = walk.next_place().sequence.saturating_sub(1);
        Ok(())
    }

    fn record(
        &mut self,
        file: &Arc<dyn DiskFile>,
        name: &str,
        place: Place,
        header: &Header,
    ) -> Result<(), LogError> {
        self.claimed = self.claimed.max(header.synced);
        let mut payload = vec![0; length_usize(u64::from(header.payload_bytes()))];
        let position = place.position.saturating_add(u64::from(HEADER_BYTES));
        file.read_at(&mut payload, position).map_err(|error| LogError::io("read", name, error))?;
        self.verified.records = self.verified.records.saturating_add(1);
        if let Err(detail) = (self.what.each)(header.with_payload(&payload)) {
            let next = header.next_offset().unwrap_or(place.first_offset);
            self.damage(name, place, next, detail);
        }
        Ok(())
    }

    /// Whether what stops the walk in the last segment is damage, not the end or a write that was cut short.
    fn is_damage(
        &mut self,
        file: &Arc<dyn DiskFile>,
        name: &str,
        walk: &Walk<'_>,
        reason: NoRecord,
    ) -> Result<bool, LogError> {
        let tail = Tail { file: file.as_ref(), name, checksum: self.checksum, end: walk.next_place() };
        match tail.judge(self.claimed, reason) {
            Ok(torn) => {
                self.verified.torn_bytes = torn.map_or(0, |torn| torn.bytes());
                Ok(false)
            }
            Err(LogError::Corrupt { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Notes the damage at which the walk stands, and goes behind it.
    fn pass(
        &mut self,
        walk: &mut Walk<'_>,
        name: &str,
        following: Option<&Link>,
        reason: NoRecord,
    ) -> Result<(), LogError> {
        let lost = walk.next_place();
        let last_sequence = following.map_or(u64::MAX, |next| next.header.first_sequence.saturating_sub(1));
        if !walk.pass(reason, last_sequence)? {
            // The rest of the segment is lost. Of the last one nobody knows how many events that was.
            let end = following.map_or((lost.first_offset, self.claimed.saturating_add(1)), |next| {
                (next.header.first_offset, next.header.first_sequence)
            });
            self.damage(name, lost, end.0, reason.to_string());
            walk.end(end.1);
            return Ok(());
        }
        let next = walk.next_place().first_offset;
        self.damage(name, lost, next, reason.to_string());
        Ok(())
    }

    fn damage(&mut self, name: &str, place: Place, next_offset: u64, detail: String) {
        let offsets = Some((place.first_offset, next_offset));
        let (file, position, sequence) = (name.to_owned(), place.position, Some(place.sequence));
        self.verified.damage.push(Damage { file, position, detail, sequence, offsets });
    }
}
