//! Media types, which determine how data is read and printed.

/// Whether data of this content type is JSON. As in the JSON format, an absent type counts as JSON.
#[must_use]
pub fn is_json(datacontenttype: Option<&str>) -> bool {
    let Some(text) = datacontenttype else { return true };
    let subtype = subtype(text);
    subtype.eq_ignore_ascii_case("json") || ends_with(subtype, "+json")
}

/// Whether data of this content type is text that a person can read: `text/*` and XML.
#[must_use]
pub fn is_text(datacontenttype: Option<&str>) -> bool {
    let Some(text) = datacontenttype else { return false };
    let subtype = subtype(text);
    text.split('/').next().unwrap_or_default().trim().eq_ignore_ascii_case("text")
        || subtype.eq_ignore_ascii_case("xml")
        || ends_with(subtype, "+xml")
}

/// Whether the text has the shape `type/subtype`, with parameters or without.
pub(super) fn is_well_formed(text: &str) -> bool {
    let mut parts = text.split(';');
    let essence = parts.next().unwrap_or_default().trim();
    let typed = essence.split_once('/').is_some_and(|(first, second)| is_token(first) && is_token(second));
    typed && is_well_parameterized(text)
}

/// A parameter's value may be a quoted string that holds a semicolon, hence not a plain split.
fn is_well_parameterized(text: &str) -> bool {
    let mut rest = text.find(';').and_then(|at| text.get(at + 1..));
    while let Some(parameters) = rest {
        let parameters = parameters.trim_start();
        if parameters.is_empty() {
            return true;
        }
        let Some((name, value)) = parameters.split_once('=') else { return false };
        let end = match value.strip_prefix('"') {
            Some(quoted) => match end_of_quoted(quoted) {
                Some(end) => end + 1,
                None => return false,
            },
            None => value.find(';').unwrap_or(value.len()),
        };
        let (value, after) = value.split_at(end);
        let after = after.trim_start();
        if !is_token(name) || !(value.starts_with('"') || is_token(value.trim_end())) {
            return false;
        }
        if !(after.is_empty() || after.starts_with(';')) {
            return false;
        }
        rest = after.strip_prefix(';');
    }
    true
}

/// Where the quoted string that began before `text` is over, past its closing quote.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

fn subtype(text: &str) -> &str {
    let essence = text.split(';').next().unwrap_or_default();
    essence.split('/').nth(1).unwrap_or_default().trim()
}

fn ends_with(text: &str, end: &str) -> bool {
    let start = text.len().checked_sub(end.len());
    start.and_then(|start| text.get(start..)).is_some_and(|found| found.eq_ignore_ascii_case(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_text_are_known_by_type_and_suffix() {
        let json = ["application/json", "Application/JSON; charset=utf-8", "text/json", "application/a+json"];
        assert!(json.iter().all(|text| is_json(Some(text))));
        assert!(is_json(None));
        let other = ["application/jsonx", "application/msgpack", "json", "application/x; a=b/json"];
        assert!(!other.iter().any(|text| is_json(Some(text))));
        assert!(
            ["text/plain", "TEXT/html", "application/xml", "a/b+xml"].iter().all(|text| is_text(Some(text)))
        );
        assert!(!["application/msgpack", "image/png"].iter().any(|text| is_text(Some(text))));
    }

    #[test]
    fn the_shape_of_a_media_type_is_checked() {
        for good in [
            "application/json",
            "text/plain;charset=utf-8",
            "text/plain; charset=\"a;\\\"b\" ; q=1",
            "text/plain;",
        ] {
            assert!(is_well_formed(good), "{good}");
        }
        for bad in ["", "json", "application/", "/json", "a/b/c", "a b/c", "a/b; c", "a/b; c=", "a/b; c=\"d"]
        {
            assert!(!is_well_formed(bad), "{bad}");
        }
        assert!(!is_well_formed("a/b; c=\"d\"e"));
    }
}
