//! Placeholders for secrets in a request: `{{secret:NAME}}` in the path, the query or a header's value.
//!
//! A request never leaves with a placeholder in it: what cannot be replaced is refused, whatever bytes stand
//! around it.

use std::{borrow::Cow, str};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

/// What stands before a secret's name, and after it.
const OPEN: &str = "{{secret:";
const CLOSE: &str = "}}";

/// Encoded in a query: all that may mean something there.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Encoded in a path: all that no segment may hold. Slashes stay: services hand out secrets of several
/// segments.
const PATH: &AsciiSet = &QUERY
    .remove(b'/')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// Where a text with placeholders stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The path with its query. Secrets are percent-encoded, so that they end no part of it.
    Path,
    /// A header's value. Secrets stand there as they are.
    Header,
}

/// `text` with each placeholder replaced by what `secret` has for its name; nothing if there is none.
pub fn replace<'s>(
    text: &[u8],
    place: Place,
    secret: &dyn Fn(&str) -> Result<&'s str, String>,
) -> Result<Option<Vec<u8>>, String> {
    if place == Place::Path {
        check_not_encoded(text)?;
    }
    let (mut whole, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = split(rest, OPEN) {
        let Some((name, after)) = split(after, CLOSE) else {
            return Err(format!("denied: the placeholder after \"{OPEN}\" does not end with \"{CLOSE}\""));
        };
        let name = str::from_utf8(name)
            .map_err(|_| format!("denied: the name of a secret after \"{OPEN}\" is not text"))?;
        whole.extend_from_slice(before);
        let secret = secret(name)?.as_bytes();
        match place {
            Place::Header => whole.extend_from_slice(secret),
            Place::Path => {
                let set = if whole.contains(&b'?') { QUERY } else { PATH };
                whole.extend(percent_encode(secret, set).to_string().into_bytes());
            }
        }
        rest = after;
    }
    if rest.len() == text.len() {
        return Ok(None);
    }
    whole.extend_from_slice(rest);
    Ok(Some(whole))
}

/// Libraries that build URLs may encode the braces.
fn check_not_encoded(path: &[u8]) -> Result<(), String> {
    let mut parts = Vec::new();
    let mut rest = path;
    while let Some((before, after)) = split(rest, OPEN) {
        parts.push(before);
        rest = after;
    }
    parts.push(rest);
    let is_encoded = |part: &&[u8]| {
        let decoded: Cow<'_, [u8]> = percent_decode(part).into();
        split(&decoded, OPEN).is_some()
    };
    if parts.iter().any(is_encoded) {
        return Err(format!(
            "denied: the path contains a percent-encoded placeholder; write \"{OPEN}NAME{CLOSE}\" unencoded"
        ));
    }
    Ok(())
}

/// What stands before the first `mark` and what stands after it.
fn split<'t>(text: &'t [u8], mark: &str) -> Option<(&'t [u8], &'t [u8])> {
    let at = text.windows(mark.len()).position(|window| window == mark.as_bytes())?;
    Some((text.get(..at)?, text.get(at + mark.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(text: &[u8], place: Place, secret: &str) -> Result<Option<String>, String> {
        let found =
            replace(text, place, &|name| if name == "s" { Ok(secret) } else { Err(name.to_owned()) })?;
        Ok(found.map(|bytes| bytes.escape_ascii().to_string()))
    }

    #[test]
    fn a_secret_ends_no_part_of_the_path_or_query_that_it_stands_in() {
        let secret = "a#b?c&d=e%f g+h/i\u{e9}";
        let path = replaced(b"/x/{{secret:s}}/y?k={{secret:s}}&l=1", Place::Path, secret).unwrap().unwrap();
        assert_eq!(
            path,
            "/x/a%23b%3Fc&d=e%25f%20g+h/i%C3%A9/y?k=a%23b%3Fc%26d%3De%25f%20g%2Bh%2Fi%C3%A9&l=1"
        );
        let parsed = http::uri::PathAndQuery::try_from(path.as_str()).unwrap();
        assert_eq!(parsed.as_str(), path, "nothing is cut off");
    }

    #[test]
    fn a_placeholder_among_any_bytes_is_replaced() {
        let value = replaced(b"\xffa {{secret:s}}\x80{{secret:s}}", Place::Header, "t0p").unwrap();
        assert_eq!(value.as_deref(), Some("\\xffa t0p\\x80t0p"));
        assert_eq!(replaced(b"\xff {{ secret:s }} {secret:s}", Place::Header, "t0p"), Ok(None));
    }

    #[test]
    fn a_placeholder_that_cannot_be_replaced_is_refused() {
        for (text, place) in [
            (b"\xff{{secret:s".as_slice(), Place::Header),
            (b"{{secret:\xff}}", Place::Header),
            (b"{{secret:other}}", Place::Header),
            (b"/%7B%7Bsecret:s%7D%7D", Place::Path),
            (b"/{{secret:s}}/%7b{secret%3as}}", Place::Path),
        ] {
            assert!(replaced(text, place, "t0p").is_err(), "{}", text.escape_ascii());
        }
    }
}
