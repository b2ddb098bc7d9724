//! How much a manifest may hold: it is read, compared and kept by the host, and its patterns and filters are
//! tried at every event that anybody publishes.
//!
//! Lengths are bounded before the text is read, entries after that, and again when texts are put together;
//! what subscriptions and commands hold, once they are decoded. Each bound names itself. How many entries a
//! key may have stands with its rule.

use toml::de::DeTable;

use super::{
    document::{Document, Subscription, invalid},
    rules,
};
use crate::Refusal;

/// Longest manifest, all its records together, and longest operator's file, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// Records of the section: one for each handler in Rust, and a few more.
pub const MAX_RECORDS: usize = 512;
/// Types of all subscriptions together. Each is compared with each other, so that no two handlers overlap.
const MAX_TYPES: usize = 1_024;
/// Fact types of all commands together.
const MAX_RECORDED: usize = 1_024;
/// Terms of all filters together. At an event of a matching type each may be looked at, 10 ns a term.
const MAX_FILTER_TERMS: usize = 1_000;
/// Filters inside each other.
const MAX_FILTER_DEPTH: usize = 32;

/// Refuses a text that is too long to be read.
pub fn check_length(bytes: usize, origin: &str) -> Result<(), Refusal> {
    if bytes <= MAX_BYTES {
        return Ok(());
    }
    Err(invalid(
        format!("{origin} has {bytes} bytes, more than the {MAX_BYTES} bytes that a manifest may have"),
        "Shorten it, or split the plugin; put data into the plugin's code or into events.",
    ))
}

/// Refuses a table with more entries of a kind than its [rules](super::rules) allow.
pub fn check_entries(table: &DeTable, origin: &str) -> Result<(), Refusal> {
    rules::exceeded(table).map_or(Ok(()), |exceeded| Err(too_many(exceeded, origin)))
}

/// Refuses subscriptions and commands that hold too much.
pub fn check_subscriptions(document: &Document, origin: &str) -> Result<(), Refusal> {
    let subscriptions = &document.subscriptions;
    let filters = || subscriptions.iter().filter_map(|subscription| subscription.filter.as_ref());
    let types = |subscription: &Subscription| subscription.types.len();
    let counts = [
        (subscriptions.iter().map(types).sum(), MAX_TYPES, "`types` in its subscriptions together"),
        (
            document.commands.iter().map(|command| command.records.len()).sum(),
            MAX_RECORDED,
            "`records` in its commands together",
        ),
        (
            filters().map(|filter| filter.depth()).max().unwrap_or_default(),
            MAX_FILTER_DEPTH,
            "filters inside each other",
        ),
        (filters().map(|filter| filter.terms()).sum(), MAX_FILTER_TERMS, "terms in its filters together"),
    ];
    match counts.into_iter().find(|(count, max, _)| count > max) {
        None => Ok(()),
        Some(exceeded) => Err(too_many(exceeded, origin)),
    }
}

fn too_many((count, max, what): (usize, usize, &str), origin: &str) -> Refusal {
    invalid(
        format!("{origin} has {count} {what}; at most {max} are allowed"),
        "Remove some, or split the plugin.",
    )
}
