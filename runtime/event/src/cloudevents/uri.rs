//! The shape of a URI reference (RFC 3986), as far as a log needs it: no character that has to be encoded, a
//! scheme that is one, a single fragment. It resolves nothing and knows no scheme.

/// Checks a URI or a relative reference, such as `/shop` or `https://example.com/shop`.
pub(super) fn check_reference(text: &str) -> Result<(), String> {
    check_characters(text)?;
    let first_segment = text.split(['/', '?', '#']).next().unwrap_or_default();
    match first_segment.split_once(':') {
        Some((scheme, _)) if !is_scheme(scheme) => Err(format!("\"{scheme}\" is not a valid scheme")),
        _ => Ok(()),
    }
}

/// Checks a URI with a scheme.
pub(super) fn check_absolute(text: &str) -> Result<(), String> {
    check_reference(text)?;
    match text.split(['/', '?', '#']).next().unwrap_or_default().contains(':') {
        true => Ok(()),
        false => Err("it has no scheme".into()),
    }
}

fn check_characters(text: &str) -> Result<(), String> {
    let mut rest = text.chars();
    let mut fragments = 0;
    while let Some(character) = rest.next() {
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' => {}
            '-' | '.' | '_' | '~' | ':' | '/' | '?' | '[' | ']' | '@' | '!' | '$' | '&' | '\'' | '('
            | ')' | '*' | '+' | ',' | ';' | '=' => {}
            '#' => fragments += 1,
            '%' => {
                let digits = [rest.next(), rest.next()];
                if !digits.iter().flatten().filter(|digit| digit.is_ascii_hexdigit()).count().eq(&2) {
                    return Err("a % is not followed by two hexadecimal digits".into());
                }
            }
            _ => return Err(format!("'{character}' must be percent-encoded")),
        }
    }
    if fragments > 1 { Err("it has more than one #".into()) } else { Ok(()) }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_may_be_relative_and_schemas_may_not() {
        for text in
            ["/shop", "shop", "urn:uuid:6e8b", "https://[::1]:80/a%20b?c=d#e", "1-555-123-4567", "a/b:c"]
        {
            assert_eq!(check_reference(text), Ok(()), "{text}");
        }
        for (text, reason) in [
            ("/a b", "' ' must be percent-encoded"),
            ("/größe", "'ö' must be percent-encoded"),
            ("/a%2", "a % is not followed by two hexadecimal digits"),
            ("/a%zz", "a % is not followed by two hexadecimal digits"),
            ("1a:b", "\"1a\" is not a valid scheme"),
            ("a#b#c", "it has more than one #"),
        ] {
            assert_eq!(check_reference(text), Err(reason.into()));
        }
        assert_eq!(check_absolute("/schema.json"), Err("it has no scheme".into()));
        assert_eq!(check_absolute("https://example.com/s.json"), Ok(()));
    }
}
