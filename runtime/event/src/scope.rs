//! Scopes: what a rule of an aggregate is about, such as `account/9`.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Offset;

/// The characters of an identity that are written as they are: the unreserved ones of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A scope: the unit that a decision reads, and that its facts are about. Its name is `<kind>/<id>`, with the
/// id percent-encoded. Persisted as that name, so the encoding must never change.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scope(String);

/// Why a text or a pair of kind and id is not a scope.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidScope {
    /// The kind has other characters.
    #[error("scope kind \"{}\" is not valid; lower-case letters, digits, \"-\" and \"_\" are allowed", .0.escape_debug())]
    Kind(String),
    /// The id is empty.
    #[error("the id of a scope of kind \"{0}\" is empty")]
    EmptyId(String),
    /// The text is not a name.
    #[error("\"{}\" is not the name of a scope; write `kind/id`, with the id percent-encoded", .0.escape_debug())]
    Name(String),
}

impl Scope {
    /// The scope of this kind with this id.
    ///
    /// # Errors
    /// A kind with characters that are not allowed, or an empty id.
    pub fn new(kind: &str, id: &str) -> Result<Self, InvalidScope> {
        let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        if kind.is_empty() || !kind.bytes().all(is_allowed) {
            return Err(InvalidScope::Kind(kind.to_owned()));
        }
        if id.is_empty() {
            return Err(InvalidScope::EmptyId(kind.to_owned()));
        }
        let mut name = [kind, "/"].concat();
        name.extend(utf8_percent_encode(id, ENCODED));
        Ok(Self(name))
    }

    /// The scope with this name. A name that is encoded in another way than this runtime does is not one.
    ///
    /// # Errors
    /// The text is not the name of a scope.
    pub fn parse(name: &str) -> Result<Self, InvalidScope> {
        let wrong = || InvalidScope::Name(name.to_owned());
        let (kind, id) = name.split_once('/').ok_or_else(wrong)?;
        let id = percent_decode_str(id).decode_utf8().map_err(|_| wrong())?;
        let scope = Self::new(kind, &id)?;
        if scope.0 == name { Ok(scope) } else { Err(wrong()) }
    }

    /// The name: `<kind>/<id>`, with the id percent-encoded.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0.split_once('/').map_or("", |(kind, _)| kind)
    }

    /// The id, decoded.
    #[must_use]
    pub fn id(&self) -> String {
        let id = self.0.split_once('/').map_or("", |(_, id)| id);
        percent_decode_str(id).decode_utf8_lossy().into_owned()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A scope at a version, which is the number of its facts. Written `<name>@<version>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeVersion {
    /// The scope.
    pub scope: Scope,
    /// The number of its facts.
    pub version: u64,
}

impl fmt::Display for ScopeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.scope, self.version)
    }
}

impl ScopeVersion {
    /// The scopes that `text` lists, each `<name>@<version>`, with a space between two.
    ///
    /// # Errors
    /// The first part that is not a scope with a version.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, InvalidScope> {
        text.split(' ').map(Self::parse).collect()
    }

    fn parse(text: &str) -> Result<Self, InvalidScope> {
        let wrong = || InvalidScope::Name(text.to_owned());
        let (name, version) = text.rsplit_once('@').ok_or_else(wrong)?;
        let is_number = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
        let version = version.parse().ok().filter(|_| is_number).ok_or_else(wrong)?;
        Ok(Self { scope: Scope::parse(name)?, version })
    }

    /// The text that [`ScopeVersion::parse_list`] reads.
    #[must_use]
    pub fn list(scopes: &[Self]) -> String {
        scopes.iter().map(Self::to_string).collect::<Vec<_>>().join(" ")
    }
}

/// The facts of one decision about one scope, or a scope that the decision only read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeFacts {
    /// The scope.
    pub scope: Scope,
    /// Its version after the decision.
    pub version: u64,
    /// The facts about it, as places among the events of the section, in ascending order.
    pub facts: Vec<u32>,
}

/// A scope in the state of its aggregate: the value under the key [`Scope::name`]. Persisted, as three
/// numbers of eight bytes, least significant byte first, before the fold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredScope {
    /// The number of its facts.
    pub version: u64,
    /// The offset of its last fact. Filled in when the section is applied.
    pub last_fact: Offset,
    /// The revision of the code that made the fold.
    pub revision: u64,
    /// What `evolve` made of its facts.
    pub fold: Vec<u8>,
}

impl StoredScope {
    /// The bytes before the fold.
    pub const HEADER_BYTES: usize = 24;

    /// The value.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::HEADER_BYTES + self.fold.len());
        for number in [self.version, self.last_fact.0, self.revision] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.fold);
        bytes
    }

    /// The scope in a value; `None` if it is none.
    #[must_use]
    pub fn from_bytes(value: &[u8]) -> Option<Self> {
        let (version, rest) = number(value)?;
        let (last_fact, rest) = number(rest)?;
        let (revision, fold) = number(rest)?;
        Some(Self { version, last_fact: Offset(last_fact), revision, fold: fold.to_vec() })
    }

    /// Fills in the offset of the last fact.
    pub fn set_last_fact(value: &mut [u8], offset: Offset) {
        if let Some(place) = value.get_mut(8..16) {
            place.copy_from_slice(&offset.0.to_le_bytes());
        }
    }
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u64::from_le_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_scope_has_a_kind_and_an_id() {
        let scope = Scope::new("account", "DE 9/ü").unwrap();
        assert_eq!(scope.name(), "account/DE%209%2F%C3%BC");
        assert_eq!((scope.kind(), scope.id().as_str()), ("account", "DE 9/ü"));
    }

    #[test]
    fn a_stored_scope_is_read_as_it_was_written_and_learns_its_offset() {
        let mut scope = StoredScope { version: 3, last_fact: Offset(0), revision: 2, fold: vec![7, 8] };
        let mut value = scope.to_bytes();
        StoredScope::set_last_fact(&mut value, Offset(300));
        scope.last_fact = Offset(300);
        assert_eq!(StoredScope::from_bytes(&value), Some(scope));
        assert_eq!(StoredScope::from_bytes(&value[..StoredScope::HEADER_BYTES - 1]), None);
    }

    #[test]
    fn other_texts_are_no_scopes() {
        for name in ["", "account", "account/", "/9", "Account/9", "a b/9", "account/9/1", "account/%39"] {
            assert!(Scope::parse(name).is_err(), "{name}");
        }
        for text in ["", "account/9", "account/9@", "account/9@+1", "account/9@-1", "account/9@1  a/1@2"] {
            assert!(ScopeVersion::parse_list(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_list_of_scopes_is_read_as_it_was_written(ids in prop::collection::vec((".+", 0_u64..), 1..4)) {
            let scopes: Vec<ScopeVersion> = ids
                .into_iter()
                .map(|(id, version)| ScopeVersion { scope: Scope::new("course", &id).unwrap(), version })
                .collect();
            prop_assert_eq!(ScopeVersion::parse_list(&ScopeVersion::list(&scopes)), Ok(scopes));
        }
    }
}
