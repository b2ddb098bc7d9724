//! CloudEvents 1.0.2 on the wire: the JSON format (single and batched), the attributes of the binary content
//! mode, and the rules for attributes.
//!
//! The HTTP interface and the command line read and write events with it. Code that builds an [`Event`] in
//! process calls [`validate`]. This module knows no HTTP types, no size limits and no reserved types or
//! sources.
//!
//! JSON data keeps the producer's text, including the form of its numbers. Reading and writing the JSON
//! format replaces a line break between two tokens of the data by a space, so a printed event is always one
//! line.

mod attribute;
mod binary;
mod draft;
mod invalid;
mod media_type;
mod parse;
mod print;
mod uri;

pub use attribute::validate;
pub use binary::parse_binary;
pub use invalid::{InvalidBatch, InvalidEvent};
pub use media_type::{is_json, is_text};
pub use parse::{parse, parse_batch, parse_batch_while};
pub use print::{print, print_batch, print_into};

#[cfg(doc)]
use crate::Event;

/// Media type of one event in the JSON format (structured content mode).
pub const MEDIA_TYPE: &str = "application/cloudevents+json";

/// Media type of a JSON array of events (batched content mode).
pub const BATCH_MEDIA_TYPE: &str = "application/cloudevents-batch+json";

/// The extension with the offset of an event in the log. It is ignored when an event is published, so that
/// events read from one log can be published elsewhere.
pub const OFFSET: &str = "offset";

/// Longest attribute name, in bytes. The specification recommends no more than 20.
pub const MAX_NAME_BYTES: usize = 64;

/// Maximum number of extensions of one event. It bounds the comparison of their names and the search of
/// filters.
pub const MAX_EXTENSIONS: usize = 256;

#[cfg(test)]
mod tests;
