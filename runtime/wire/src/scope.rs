//! Scopes of aggregates as operators and senders see them.

use camshaft_event::{Event, Offset, Scope, StoredScope, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use utoipa::ToSchema;

use super::{DeadLetterView, command::json_or_base64, moment, state::message_pack};

/// A scope at one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScopeView {
    /// The scope, `kind/id` with the id percent-encoded.
    pub scope: String,
    /// The number of its facts.
    pub version: u64,
    /// Offset of its last fact.
    #[schema(value_type = u64)]
    pub last_fact: Offset,
    /// State revision of the code that made the fold.
    pub revision: u64,
    /// Whether the aggregate now runs code of another state revision. It makes the fold again before its next
    /// decision about the scope.
    pub stale: bool,
    /// The fold as JSON. MessagePack is translated; other bytes are an object with the single member
    /// `base64`.
    #[schema(value_type = Value)]
    pub fold: Value,
}

/// A scope in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScopeEntryView {
    /// The scope, `kind/id` with the id percent-encoded.
    pub scope: String,
    /// The number of its facts.
    pub version: u64,
    /// Offset of its last fact.
    #[schema(value_type = u64)]
    pub last_fact: Offset,
    /// Whether its fold was made by code of another state revision than the aggregate now runs.
    pub stale: bool,
}

/// A fact of a scope.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FactView {
    /// Version of the scope after the fact.
    pub version: u64,
    /// Offset of the fact in the log.
    #[schema(value_type = u64)]
    pub offset: Offset,
    /// When the fact was recorded.
    #[serde(with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The event in the JSON format of CloudEvents.
    #[schema(value_type = Object)]
    pub event: Box<RawValue>,
}

impl ScopeView {
    /// A scope as it is stored. `revision` is the state revision that the aggregate now runs.
    #[must_use]
    pub fn new(scope: &Scope, stored: &StoredScope, revision: u64) -> Self {
        Self {
            scope: scope.to_string(),
            version: stored.version,
            last_fact: stored.last_fact,
            revision: stored.revision,
            stale: stored.revision != revision,
            fold: fold_json(&stored.fold),
        }
    }
}

impl ScopeEntryView {
    /// A scope as it is stored. `revision` is the state revision that the aggregate now runs.
    #[must_use]
    pub fn new(scope: &Scope, stored: &StoredScope, revision: u64) -> Self {
        let StoredScope { version, last_fact, .. } = *stored;
        Self { scope: scope.to_string(), version, last_fact, stale: stored.revision != revision }
    }
}

impl FactView {
    /// The fact that gave a scope this version.
    #[must_use]
    pub fn new(version: u64, offset: Offset, at: Timestamp, event: &Event) -> Self {
        Self { version, offset, at, event: DeadLetterView::event_json(event, offset) }
    }
}

/// A fold as JSON: MessagePack as the SDKs write it, or JSON as closures may.
fn fold_json(fold: &[u8]) -> Value {
    message_pack(fold).map_or_else(|| json_or_base64(fold), |(value, _)| value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fold_is_shown_as_json_from_messagepack_and_from_json() {
        assert_eq!(fold_json(&[0x81, 0xa1, b'n', 7]), json!({"n": 7}));
        assert_eq!(fold_json(b"{\"n\": 7}"), json!({"n": 7}));
        assert_eq!(fold_json(b"\xff{"), json!({"base64": "/3s="}));
    }

    #[test]
    fn a_fold_of_another_revision_is_stale() {
        let stored = StoredScope { version: 3, last_fact: Offset(9), revision: 1, fold: vec![0xc0] };
        let scope = Scope::new("account", "9").unwrap();
        let stale = |revision| {
            let (view, entry) =
                (ScopeView::new(&scope, &stored, revision), ScopeEntryView::new(&scope, &stored, revision));
            assert_eq!((view.version, entry.version, view.revision), (3, 3, 1));
            (view.stale, entry.stale)
        };
        assert_eq!((stale(1), stale(2)), ((false, false), (true, true)));
    }
}
