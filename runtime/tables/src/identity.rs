//! What the dedupe index knows of a published event.

use camshaft_event::Offset;

/// Where an event was first published, and a hash of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownIdentity {
    /// The first event's offset.
    pub offset: Offset,
    /// [`camshaft_event::EventHash::content`] of the first event.
    pub content: u64,
}

impl KnownIdentity {
    /// Bytes of the stored form.
    const BYTES: usize = 16;

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let (offset, content) = bytes.split_at_mut(8);
        offset.copy_from_slice(&self.offset.0.to_le_bytes());
        content.copy_from_slice(&self.content.to_le_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (offset, content) = bytes.split_first_chunk::<8>()?;
        let content = u64::from_le_bytes(content.try_into().ok()?);
        Some(Self { offset: Offset(u64::from_le_bytes(*offset)), content })
    }
}
