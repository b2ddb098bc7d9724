//! Names that only the runtime uses: the types and sources of its own events, and the extensions that it sets.
//!
//! Producers, plugins and manifests are refused them, wildcards pass them over, and listings leave them out unless they
//! are asked for. The SDKs, which build without this crate, follow the same rule.

/// First segment of the types of the runtime's own events. A type of this segment alone is reserved, too.
pub const TYPE: &str = "camshaft";

/// Source of the runtime's own events. Sources below it are reserved, too.
pub const SOURCE: &str = "/camshaft";

/// What the sources of events begin with that plugins publish.
pub const PLUGIN_SOURCES: &str = "/plugins/";

/// The extension that counts how many events came between one that a producer published and this one.
pub const HOPS: &str = "camshafthops";

/// Whether only the runtime publishes events of this type.
#[must_use]
pub fn is_type(event_type: &str) -> bool {
    event_type.strip_prefix(TYPE).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether no producer publishes events with this source.
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
