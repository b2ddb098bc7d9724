//! Reserved names: the types and sources of the runtime's own events, and the extensions that it sets.
//!
//! Producers, plugins and manifests may not use them. A pattern that begins with a wildcard does not match
//! them. Listings omit them unless requested. The SDKs build without this crate and follow the same rule.

/// First segment of the types of the runtime's own events. The segment alone is also a reserved type.
pub const TYPE: &str = "camshaft";

/// Source of the runtime's own events. Sources below it are also reserved.
pub const SOURCE: &str = "/camshaft";

/// Prefix of the sources of events that plugins publish.
pub const PLUGIN_SOURCES: &str = "/plugins/";

/// The extension that counts the hops to this event. A producer's own event has 0 hops, and so has the event
/// of a timer that was set for a time a second or more ahead.
pub const HOPS: &str = "camshafthops";

/// The extension that marks an event as a command. Only the runtime sets it, with the value
/// [`IS_COMMAND`], when a command is sent.
pub const COMMAND: &str = "camshaftcommand";

/// The value of the extension [`COMMAND`].
pub const IS_COMMAND: &str = "true";

/// The extension of a fact: each scope that it is about, with its version after the fact. Only the runtime
/// sets it.
pub const SCOPES: &str = "scopes";

/// The extensions that only the runtime sets, so that no producer may.
pub const EXTENSIONS: [&str; 3] = [HOPS, COMMAND, SCOPES];

/// Whether the type is reserved for the runtime's own events.
#[must_use]
pub fn is_type(event_type: &str) -> bool {
    event_type.strip_prefix(TYPE).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether the source is reserved: producers may not publish with it.
#[must_use]
pub fn is_source(source: &str) -> bool {
    let is_own = source.strip_prefix(SOURCE).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    is_own || source.starts_with(PLUGIN_SOURCES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_reserved_by_its_first_segment_whole() {
        for (name, is_reserved) in [
            ("camshaft", true),
            ("camshaft.", true),
            ("camshaft.plugin.activated", true),
            ("camshafts", false),
            ("camshaft-like.x", false),
            ("Camshaft.x", false),
            ("my.camshaft.x", false),
            ("", false),
        ] {
            assert_eq!(is_type(name), is_reserved, "{name}");
        }
        for (source, is_reserved) in [
            ("/camshaft", true),
            ("/camshaft/x", true),
            ("/camshafts", false),
            ("camshaft", false),
            ("/plugins/stock", true),
            ("/plugins", false),
            ("/my/plugins/stock", false),
        ] {
            assert_eq!(is_source(source), is_reserved, "{source}");
        }
    }
}
