//! What segment headers and the clean mark have in common: magic, format version, checksum, numbers.
//!
//! The place of the first three is the same in every version, so that a newer file is told from a damaged
//! one. No I/O here.

use crate::LogError;
use crate::record::fields::Fields;

/// The format version this program writes, and the newest it reads. Persisted, never renumber.
pub(crate) const FORMAT_VERSION: u32 = 1;
const CHECKSUM_AT: usize = 12;
const BODY_AT: usize = 16;

/// The bytes of a stamp with these numbers.
pub(crate) fn encode(magic: [u8; 8], body: &[u64]) -> Vec<u8> {
    let mut before = magic.to_vec();
    before.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    let body: Vec<u8> = body.iter().flat_map(|number| number.to_le_bytes()).collect();
    let checksum = checksum_of(&before, &body);
    before.extend_from_slice(&checksum.to_le_bytes());
    before.extend_from_slice(&body);
    before
}

/// Checks a stamp, of which `bytes` is the whole, and returns the numbers' bytes.
pub(crate) fn decode(magic: [u8; 8], bytes: &[u8]) -> Result<&[u8], Unreadable> {
    let (head, body) = bytes.split_at_checked(BODY_AT).ok_or(Unreadable::Short)?;
    let (before, checksum) = head.split_at_checked(CHECKSUM_AT).ok_or(Unreadable::Short)?;
    let version = before.strip_prefix(&magic).ok_or(Unreadable::Magic)?;
    if Fields(checksum).u32() != checksum_of(before, body) {
        return Err(Unreadable::Checksum);
    }
    match Fields(version).u32() {
        FORMAT_VERSION => Ok(body),
        found if found > FORMAT_VERSION => Err(Unreadable::Newer(found)),
        found => Err(Unreadable::Version(found)),
    }
}

fn checksum_of(before: &[u8], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(before), body)
}

/// Why a stamp cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("the header is truncated")]
    Short,
    #[error("the header does not start with the magic letters")]
    Magic,
    #[error("the checksum of the header does not match")]
    Checksum,
    #[error("format version {0} does not exist")]
    Version(u32),
    #[error("format version {0} is newer than this program")]
    Newer(u32),
}

impl Unreadable {
    /// The error of a log in whose file `file` this was found.
    pub fn in_file(self, file: &str) -> LogError {
        match self {
            Self::Newer(found) => {
                LogError::NewerFormat { file: file.to_owned(), found, supported: FORMAT_VERSION }
            }
            _ => LogError::Corrupt { file: file.to_owned(), position: 0, detail: self.to_string() },
        }
    }
}
