//! Scopes: what a rule of an aggregate is about, such as `course/c1`.

use std::{
    fmt::{self, Write as _},
    str::FromStr,
};

use crate::{error::Error, evolve::Evolve};

/// A scope, by its kind and its id. A [`Loaded`](crate::Loaded) state knows its scope, so a decision needs
/// this type only for a scope that it does not load:
///
/// ```standalone_crate
/// # use camshaft_sdk::prelude::*;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Default, Serialize, Deserialize)]
/// # struct Course;
/// # #[scope("course")]
/// # impl Evolve for Course {
/// #     fn evolve(&mut self, _: &Fact) -> Result { Ok(()) }
/// # }
/// let scope = Scope::of::<Course>("c 1");
/// assert_eq!(scope.to_string(), "course/c%201");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    kind: String,
    id: String,
}

impl Scope {
    /// The scope of the state type `S` with this id.
    #[must_use]
    pub fn of<S: Evolve>(id: impl fmt::Display) -> Self {
        Self::new(S::KIND, id)
    }

    /// The scope of this kind with this id. The runtime validates both.
    pub(crate) fn new(kind: impl Into<String>, id: impl fmt::Display) -> Self {
        Self { kind: kind.into(), id: id.to_string() }
    }

    /// What the scope is, such as `course`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Which one, such as `c1`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl AsRef<Self> for Scope {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// Whether a kind has only characters that are allowed.
fn is_kind(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
}

/// Writes the name, `<kind>/<id>`. In the id, all bytes except the unreserved ones of RFC 3986 are
/// percent-encoded.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.kind)?;
        for byte in self.id.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    f.write_char(char::from(byte))?;
                }
                other => write!(f, "%{other:02X}")?,
            }
        }
        Ok(())
    }
}

/// Parses a name. A failure is a reject.
impl FromStr for Scope {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let scope = name.split_once('/').and_then(|(kind, id)| {
            let scope = Self::new(kind, String::from_utf8(decoded(id)?).ok()?);
            // Only one spelling of a name is valid, because names are compared as text.
            (is_kind(kind) && !id.is_empty() && scope.to_string() == name).then_some(scope)
        });
        scope.ok_or_else(|| {
            Error::reject(format_args!(
                "`{name}` is not the name of a scope; write `kind/id`, with the id percent-encoded"
            ))
        })
    }
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kind_and_encoded_id_and_is_read_back() {
        for (kind, id, name) in [
            ("account", "9", "account/9"),
            ("user_name-2", "a.b_c~d-E", "user_name-2/a.b_c~d-E"),
            ("course", "c 1/ü@%", "course/c%201%2F%C3%BC%40%25"),
        ] {
            let scope = Scope::new(kind, id);
            assert_eq!(scope.to_string(), name);
            assert_eq!(name.parse::<Scope>().unwrap(), scope);
        }
    }

    #[test]
    fn other_spellings_are_not_names() {
        for text in
            ["", "account", "/9", "account/", "Account/9", "a b/9", "a/c%2f", "a/%41", "a/ü", "a/%F", "a/%FF"]
        {
            let error = text.parse::<Scope>().unwrap_err();
            assert!(error.is_reject(), "{text}");
            assert!(error.reason().starts_with(&format!("`{text}` is not the name of a scope")), "{error}");
        }
    }
}
