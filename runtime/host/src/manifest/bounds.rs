//! How much a manifest may hold: it is read, compared and kept by the host, and its patterns and filters are tried at
//! every event that anybody publishes.
//!
//! Lengths are bounded before the text is read, counts after that, and again when records are put together. Each bound
//! names itself.

use super::document::{Document, Subscription, invalid};
use crate::Refusal;

/// Longest manifest, all its records together, and longest operator's file, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// Records of the section: one for each handler in Rust, and a few more.
pub const MAX_RECORDS: usize = 512;
/// Subscriptions, and names of handlers.
const MAX_SUBSCRIPTIONS: usize = 256;
/// Types of all subscriptions together. Each is compared with each other, so that no two handlers overlap.
const MAX_TYPES: usize = 1_024;
/// Terms of all filters together. At an event of a matching type each may be looked at, 10 ns a term.
const MAX_FILTER_TERMS: usize = 1_000;
/// Filters inside each other.
const MAX_FILTER_DEPTH: usize = 32;
/// Types that a plugin publishes.
const MAX_PUBLISHES: usize = 1_024;
/// Capabilities, and grants; there are far fewer.
const MAX_CAPABILITIES: usize = 32;
/// Settings of the guest.
const MAX_CONFIG: usize = 1_000;
/// Rules for requests.
const MAX_HTTP: usize = 256;
/// Secrets. Each is read whenever the plugin is loaded.
const MAX_SECRETS: usize = 64;

/// Refuses a text that is too long to be read.
pub fn check_length(bytes: usize, origin: &str) -> Result<(), Refusal> {
    if bytes <= MAX_BYTES {
        return Ok(());
    }
    Err(invalid(
        format!("{origin} has {bytes} bytes, more than the {MAX_BYTES} bytes that a manifest may have"),
        "Shorten it, or make several plugins of it; data belongs into the plugin or into events.",
    ))
}

/// Refuses a document that holds too much.
pub fn check(document: &Document, origin: &str) -> Result<(), Refusal> {
    let subscriptions = &document.subscriptions;
    let filters = || subscriptions.iter().filter_map(|subscription| subscription.filter.as_ref());
    let types = |subscription: &Subscription| subscription.types.len();
    let counts = [
        (subscriptions.len(), MAX_SUBSCRIPTIONS, "[[subscriptions]]"),
        (document.handlers.len(), MAX_SUBSCRIPTIONS, "names in `handlers`"),
        (subscriptions.iter().map(types).sum(), MAX_TYPES, "`types` in its subscriptions together"),
        (
            filters().map(|filter| filter.depth()).max().unwrap_or_default(),
            MAX_FILTER_DEPTH,
            "filters inside each other",
        ),
        (filters().map(|filter| filter.terms()).sum(), MAX_FILTER_TERMS, "terms in its filters together"),
        (document.publishes.len(), MAX_PUBLISHES, "types in `publishes`"),
        (document.capabilities.len(), MAX_CAPABILITIES, "names in `capabilities`"),
        (document.grants.as_ref().map_or(0, Vec::len), MAX_CAPABILITIES, "names in `grants`"),
        (document.config.len(), MAX_CONFIG, "keys in [config]"),
        (document.http.len(), MAX_HTTP, "[[http]]"),
        (document.secrets.len(), MAX_SECRETS, "names in [secrets]"),
    ];
    match counts.into_iter().find(|(count, max, _)| count > max) {
        None => Ok(()),
        Some((count, max, what)) => Err(invalid(
            format!("{origin} has {count} {what}; at most {max} are allowed"),
            "Remove some, or make several plugins of it.",
        )),
    }
}
