//! The body of a transaction, encoded section by section, so that a worker knows the size after each section.

use super::Section;

/// First byte of a MessagePack array whose length is a 32-bit number.
const ARRAY_32: u8 = 0xdd;

/// That byte and the number.
const HEADER_BYTES: usize = 5;

/// Encoded sections, of which the last ones can be removed again.
#[derive(Debug)]
pub struct Body {
    /// Room for the header, then the sections.
    bytes: Vec<u8>,
    sections: u32,
}

/// A position in a [`Body`] to which [`Body::undo`] returns.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    bytes: usize,
    sections: u32,
}

impl Default for Body {
    fn default() -> Self {
        Self { bytes: vec![0; HEADER_BYTES], sections: 0 }
    }
}

impl Body {
    /// Creates an empty body with space for about `bytes` bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        let mut body = Self { bytes: Vec::with_capacity(HEADER_BYTES + bytes), sections: 0 };
        body.bytes.resize(HEADER_BYTES, 0);
        body
    }

    /// Adds a section.
    pub fn push(&mut self, section: &Section) {
        rmp_serde::encode::write(&mut self.bytes, section)
            .expect("a section in memory always has an encoding");
        self.sections += 1;
    }

    /// The current position, for [`Body::undo`].
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark { bytes: self.bytes.len(), sections: self.sections }
    }

    /// Removes all sections that were added since `mark`.
    pub fn undo(&mut self, mark: Mark) {
        self.bytes.truncate(mark.bytes);
        self.sections = mark.sections;
    }

    /// Its size in bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The encoded bytes: those of [`super::Transaction::encode_body`] for the same sections, with a longer
    /// header.
    #[must_use]
    pub fn into_bytes(mut self) -> Vec<u8> {
        let [a, b, c, d] = self.sections.to_be_bytes();
        if let Some(header) = self.bytes.first_chunk_mut::<HEADER_BYTES>() {
            *header = [ARRAY_32, a, b, c, d];
        }
        self.bytes
    }
}
