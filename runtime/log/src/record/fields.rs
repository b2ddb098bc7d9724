//! Reads little-endian numbers off the front of bytes, one after the other.
//!
//! Used by the decoders of records, segment headers and the clean mark. It never fails: what is missing
//! reads as zero, so callers check the length first or check a checksum after.

/// The bytes not yet read.
pub(crate) struct Fields<'a>(pub &'a [u8]);

impl Fields<'_> {
    pub fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    pub fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk::<N>() {
            Some((field, rest)) => {
                self.0 = rest;
                *field
            }
            None => {
                self.0 = &[];
                [0; N]
            }
        }
    }
}

/// A length in memory as one on the disk. No memory is larger than that.
pub(crate) fn length_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A length on the disk as one in memory; what does not fit becomes the largest, which no slice has.
pub(crate) fn length_usize(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
