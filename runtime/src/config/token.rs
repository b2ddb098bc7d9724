//! The token that gives access to the HTTP interface.

use std::{fmt, fs, hint::black_box, path::Path};

use super::{
    error::ConfigError,
    given::{Given, Place},
};

/// Shortest token that is taken, in bytes: shorter ones can be guessed.
const MIN_BYTES: usize = 16;

/// A bearer token. It is never printed, and the time of a comparison does not depend on its content.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Creates a token from `text`. It must have at least 16 printable ASCII characters.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn new(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.len() < MIN_BYTES {
            return Err(format!("the token has {} characters, but needs at least {MIN_BYTES}", text.len()));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the token has characters other than printable ASCII".into());
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether `candidate` is this token. The duration depends only on the candidate's length.
    #[must_use]
    pub fn is(&self, candidate: &[u8]) -> bool {
        let own = self.0.as_bytes().iter().cycle();
        let difference = candidate.iter().zip(own).fold(0, |sum, (a, b)| black_box(sum | (a ^ b)));
        difference == 0 && candidate.len() == self.0.len()
    }

    pub(super) fn given(text: &str, place: &Place) -> Result<Self, ConfigError> {
        Self::new(text).map_err(|problem| ConfigError::Value {
            key: "token".into(),
            problem,
            place: Some(place.clone()),
        })
    }

    /// The content of the file that `given` names.
    pub(super) fn read(given: &Given) -> Result<Self, ConfigError> {
        let value = |problem| ConfigError::Value {
            key: given.key.clone(),
            problem,
            place: Some(given.place.clone()),
        };
        let mut path = Path::new(given.single().map_err(value)?).to_owned();
        if let Place::File { path: settings, .. } = &given.place {
            path = settings.parent().unwrap_or(settings).join(path);
        }
        let text = fs::read_to_string(&path).map_err(|error| ConfigError::Unreadable {
            path: path.clone(),
            reason: crate::io_reason(&error),
        })?;
        Self::new(&text).map_err(|problem| value(format!("\"{}\": {problem}", path.display())))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_is_the_token() {
        let token = Token::new(" 0123456789abcdef\n").unwrap();
        assert!(token.is(b"0123456789abcdef"));
        for other in
            [&b""[..], b"0", b"0123456789abcdeF", b"0123456789abcdef0", b"0123456789abcdef0123456789abcdef"]
        {
            assert!(!token.is(other));
        }
        assert_eq!(format!("{token:?}"), "Token(…)");
    }

    #[test]
    fn a_short_or_unprintable_token_is_refused() {
        assert_eq!(Token::new("short").unwrap_err(), "the token has 5 characters, but needs at least 16");
        assert!(Token::new("0123456789 abcdef").unwrap_err().contains("printable ASCII"));
    }
}
