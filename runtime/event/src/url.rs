//! Removes user names and passwords from URLs in texts that people read.

use std::borrow::Cow;

/// Removes the user information of each URL in `text`: `https://ada:secret@host/` becomes `https://host/`.
///
/// The host applies it to the output of guests, the command line to addresses in its messages. It also
/// removes a password that contains a slash, although such a URL is not well-formed.
#[must_use]
pub fn without_users(text: &str) -> Cow<'_, str> {
    let (mut shown, mut copied, mut from) = (String::new(), 0, 0);
    while let Some(at) = text.get(from..).and_then(|rest| rest.find("://")) {
        let user = from + at + 3;
        from = user;
        if let Some(end) = user_end(text.get(user..).unwrap_or_default()) {
            shown.push_str(text.get(copied..user).unwrap_or_default());
            (copied, from) = (user + end, user + end);
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    shown.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(shown)
}

/// The position of the host in the text after `://`, if user information precedes it.
fn user_end(behind: &str) -> Option<usize> {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`' | '|');
    let url = behind.split(is_end).next().unwrap_or_default();
    let authority = url.split(['/', '?', '#']).next().unwrap_or_default();
    if let Some(at) = authority.rfind('@') {
        return Some(at + 1);
    }
    // `ada:se/cret@host`: what looks like a port is none.
    let (_, port) = authority.rsplit_once(':')?;
    let is_port = !authority.ends_with(']') && port.bytes().all(|byte| byte.is_ascii_digit());
    let at = url.rfind('@').filter(|_| !is_port && !authority.ends_with(']'))?;
    Some(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_passwords_go_and_nothing_else_does() {
        for (text, shown) in [
            ("https://ada:hunter2@hooks.example.com/x", "https://hooks.example.com/x"),
            (
                "cannot reach \"http://ada@h:8080\", nor ftp://b:c@d?e@f",
                "cannot reach \"http://h:8080\", nor ftp://d?e@f",
            ),
            ("https://a:b/c@host/path", "https://host/path"),
            ("https://p@ss:w@rd@host", "https://host"),
            ("first https://plain/ then https://ada:x@host", "first https://plain/ then https://host"),
            ("https://host:443/@ada https://[::1]/@x", "https://host:443/@ada https://[::1]/@x"),
            ("https://host/@ada", "https://host/@ada"),
            ("ada:hunter2@host", "ada:hunter2@host"),
            ("://", "://"),
            ("größe https://ä:ö@ü/", "größe https://ü/"),
        ] {
            assert_eq!(without_users(text), shown, "{text}");
        }
        assert!(matches!(without_users("https://host/ and more"), Cow::Borrowed(_)));
    }
}
