//! CloudEvents 1.0.2 on the wire: the JSON format (single and batched), the binary content mode's attributes,
//! and the rules that every attribute has to meet.
//!
//! The HTTP interface and the command line read and write events with it; whoever builds an [`Event`] in
//! process calls [`validate`]. It knows no HTTP types, no limits on size and no reserved types or sources.
//!
//! JSON data keeps the producer's text, number for number. In the JSON format a line break between two tokens
//! of the data becomes a space, both ways, so that a printed event is always one line.

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

/// The extension that tells a reader where in the log an event stands; ignored when an event is published, so
/// that what was read can be published elsewhere.
pub const OFFSET: &str = "offset";

/// Longest attribute name, in bytes. The specification recommends no more than 20.
pub const MAX_NAME_BYTES: usize = 64;

/// Extensions of one event at most. Their names are compared with each other, and filters look for them one by one.
pub const MAX_EXTENSIONS: usize = 256;

#[cfg(test)]
mod tests;
