//! Access to the events of an encoded transaction. Lets readers decode only the events they need.
//!
//! Reads MessagePack (github.com/msgpack/msgpack, spec.md) in serde's layout of the sections: each section is
//! a map from its variant's number to an array of its fields in order.

use rmp::Marker;

use super::{DecodeError, VERSION};
use crate::{Event, Offset};

/// Fields of an event before its type.
const BEFORE_TYPE: u64 = 2;
/// Fields of an event before its extensions.
const BEFORE_EXTENSIONS: u64 = 8;

/// An iterator over the events that an encoded transaction adds to the log, with their offsets and in offset
/// order. It ends after an error.
#[derive(Debug)]
pub struct EncodedEvents<'b> {
    bytes: Bytes<'b>,
    /// The offset of the next event.
    offset: Offset,
    /// Sections after this one.
    sections: u64,
    /// Events of this section that are still to come.
    events: u64,
    /// Fields of this section after its events.
    fields: u64,
}

/// One encoded event.
#[derive(Clone, Copy, Debug)]
pub struct EncodedEvent<'b>(&'b [u8]);

impl<'b> EncodedEvents<'b> {
    /// Reads the bytes of [`super::Transaction::encode`]; `first` is the offset of the first event.
    ///
    /// # Errors
    /// A newer format, or bytes that are not a transaction.
    pub fn of(bytes: &'b [u8], first: Offset) -> Result<Self, DecodeError> {
        let mut bytes = match bytes.split_first() {
            Some((&VERSION, body)) => Bytes(body),
            Some((&found, _)) => return Err(DecodeError::Version { found }),
            None => return Err(malformed("it is empty")),
        };
        if bytes.array()? < 2 {
            return Err(malformed("it has no sections"));
        }
        bytes.skip(1)?;
        let sections = bytes.array()?;
        Ok(Self { bytes, offset: first, sections, events: 0, fields: 0 })
    }

    fn next_event(&mut self) -> Result<Option<(Offset, EncodedEvent<'b>)>, DecodeError> {
        while self.events == 0 {
            self.bytes.skip(std::mem::take(&mut self.fields))?;
            if self.sections == 0 {
                return Ok(None);
            }
            self.sections -= 1;
            self.open_section()?;
        }
        self.events -= 1;
        let Bytes(start) = self.bytes;
        self.bytes.skip(1)?;
        let length = start.len() - self.bytes.0.len();
        let offset = self.offset;
        self.offset = offset.next();
        Ok(start.get(..length).map(|event| (offset, EncodedEvent(event))))
    }

    /// Moves to the events of the section that begins here.
    fn open_section(&mut self) -> Result<(), DecodeError> {
        if self.bytes.marker()? != Marker::FixMap(1) {
            return Err(malformed("a section is not an enum variant"));
        }
        let variant = self.bytes.text()?;
        let before: u64 = match variant {
            "0" => 0,
            "1" => 8,
            "3" | "4" => 3,
            "5" => 1,
            "2" | "6" => 2,
            // It has no events.
            "7" => {
                self.fields = self.bytes.array()?;
                return Ok(());
            }
            _ => return Err(malformed("a section has an unknown variant")),
        };
        let fields = self.bytes.array()?;
        self.fields = fields.checked_sub(before + 1).ok_or_else(|| malformed("a section lacks events"))?;
        self.bytes.skip(before)?;
        // A timer that fired publishes one event, not a list.
        self.events = if variant == "2" { 1 } else { self.bytes.array()? };
        Ok(())
    }
}

impl<'b> Iterator for EncodedEvents<'b> {
    type Item = Result<(Offset, EncodedEvent<'b>), DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_event().transpose();
        if let Some(Err(_)) = &next {
            // The rest cannot be read.
            (self.sections, self.events, self.fields) = (0, 0, 0);
        }
        next
    }
}

impl<'b> EncodedEvent<'b> {
    /// The event with these bytes, which [`EncodedEvent::bytes`] returned.
    #[must_use]
    pub const fn from_bytes(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes of the event, as they stand in the transaction.
    #[must_use]
    pub const fn bytes(self) -> &'b [u8] {
        self.0
    }

    /// Whether the event has the extension `name`. It decodes no more than the names of extensions.
    ///
    /// # Errors
    /// Bytes that are not an event.
    pub fn has_extension(self, name: &str) -> Result<bool, DecodeError> {
        let mut bytes = Bytes(self.0);
        bytes.array()?;
        bytes.skip(BEFORE_EXTENSIONS)?;
        for _ in 0..bytes.array()? {
            bytes.array()?;
            if bytes.text()? == name {
                return Ok(true);
            }
            bytes.skip(1)?;
        }
        Ok(false)
    }

    /// Decodes the event's type.
    ///
    /// # Errors
    /// Bytes that are not an event.
    pub fn event_type(self) -> Result<&'b str, DecodeError> {
        let mut bytes = Bytes(self.0);
        bytes.array()?;
        bytes.skip(BEFORE_TYPE)?;
        bytes.text()
    }

    /// Decodes the whole event.
    ///
    /// # Errors
    /// Bytes that are not an event.
    pub fn decode(self) -> Result<Event, DecodeError> {
        rmp_serde::from_slice(self.0).map_err(|error| DecodeError::Malformed(error.to_string()))
    }
}

/// The remaining bytes.
#[derive(Clone, Copy, Debug)]
struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn take(&mut self, count: u64) -> Result<&'b [u8], DecodeError> {
        let taken = usize::try_from(count).ok().and_then(|count| self.0.split_at_checked(count));
        let (taken, rest) = taken.ok_or_else(|| malformed("it is truncated"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn marker(&mut self) -> Result<Marker, DecodeError> {
        let (first, rest) = self.0.split_first().ok_or_else(|| malformed("it is truncated"))?;
        self.0 = rest;
        Ok(Marker::from_u8(*first))
    }

    /// Reads a number of `bytes` bytes.
    fn number(&mut self, bytes: u64) -> Result<u64, DecodeError> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Reads the header of an array and returns its length.
    fn array(&mut self) -> Result<u64, DecodeError> {
        match self.marker()? {
            Marker::FixArray(length) => Ok(length.into()),
            Marker::Array16 => self.number(2),
            Marker::Array32 => self.number(4),
            _ => Err(malformed("an array is missing")),
        }
    }

    fn text(&mut self) -> Result<&'b str, DecodeError> {
        let length = match self.marker()? {
            Marker::FixStr(length) => length.into(),
            Marker::Str8 => self.number(1)?,
            Marker::Str16 => self.number(2)?,
            Marker::Str32 => self.number(4)?,
            _ => return Err(malformed("a string is missing")),
        };
        std::str::from_utf8(self.take(length)?).map_err(|_| malformed("a string is not UTF-8"))
    }

    /// Skips `values` values, including nested ones.
    fn skip(&mut self, values: u64) -> Result<(), DecodeError> {
        // Every value takes at least a byte, so a false length ends with the bytes.
        let mut left = values;
        while left > 0 {
            left -= 1;
            let (bytes, values) = match self.marker()? {
                Marker::FixStr(length) => (length.into(), 0),
                Marker::Str8 | Marker::Bin8 => (self.number(1)?, 0),
                Marker::Str16 | Marker::Bin16 => (self.number(2)?, 0),
                Marker::Str32 | Marker::Bin32 => (self.number(4)?, 0),
                Marker::U8 | Marker::I8 => (1, 0),
                Marker::U16 | Marker::I16 => (2, 0),
                Marker::U32 | Marker::I32 | Marker::F32 => (4, 0),
                Marker::U64 | Marker::I64 | Marker::F64 => (8, 0),
                Marker::FixArray(length) => (0, length.into()),
                Marker::Array16 => (0, self.number(2)?),
                Marker::Array32 => (0, self.number(4)?),
                Marker::FixMap(length) => (0, 2 * u64::from(length)),
                Marker::Map16 => (0, 2 * self.number(2)?),
                Marker::Map32 => (0, 2 * self.number(4)?),
                Marker::Null | Marker::True | Marker::False | Marker::FixPos(_) | Marker::FixNeg(_) => (0, 0),
                _ => return Err(malformed("it has a value of an unexpected kind")),
            };
            self.take(bytes)?;
            left += values;
        }
        Ok(())
    }
}

fn malformed(what: &str) -> DecodeError {
    DecodeError::Malformed(what.to_owned())
}
