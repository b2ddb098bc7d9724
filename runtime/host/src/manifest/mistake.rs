//! A mistake in a TOML file, in words: file, line, key, and the nearest key that exists.
//!
//! Manifests, operators' files and the runtime's settings share it.

/// Says what `error` is about in `text`, which came from `origin`: `"stock.toml", line 3: …`.
#[must_use]
pub fn toml_mistake(origin: &str, text: &str, error: &toml::de::Error) -> String {
    at(origin, text, error.span().map(|span| span.start), error)
}

/// The same, of an error whose own place is not one in `text`: it lies at byte `start`.
pub(super) fn at(origin: &str, text: &str, start: Option<usize>, error: &toml::de::Error) -> String {
    let place = match start.and_then(|start| text.get(..start)) {
        Some(before) => format!("{origin}, line {}", before.matches('\n').count() + 1),
        None => origin.to_owned(),
    };
    let message = error.message();
    if let Some((key, known)) = unknown(message, "field") {
        return match nearest(key, &known) {
            Some(nearest) => format!("{place}: unknown key `{key}`; did you mean `{nearest}`?"),
            None => format!("{place}: unknown key `{key}`; the known keys are {}", listed(&known, '`')),
        };
    }
    if let Some((value, known)) = unknown(message, "variant") {
        return match nearest(value, &known) {
            Some(nearest) => {
                format!("{place}: \"{value}\" is not a valid value; did you mean \"{nearest}\"?")
            }
            None => format!("{place}: \"{value}\" is not a valid value; use one of {}", listed(&known, '"')),
        };
    }
    format!("{place}: {}", message.replace('\n', ", "))
}

/// The key or value that a reader did not know, and those it knows, from the message that serde makes of
/// them.
fn unknown<'m>(message: &'m str, what: &str) -> Option<(&'m str, Vec<&'m str>)> {
    let rest = message.strip_prefix("unknown ")?.strip_prefix(what)?.strip_prefix(" `")?;
    let (key, expected) = rest.split_once('`')?;
    Some((key, expected.split('`').skip(1).step_by(2).collect()))
}

fn nearest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    const SIMILAR: f64 = 0.75;
    let scored = known.iter().map(|candidate| (strsim::jaro_winkler(key, candidate), *candidate));
    { scored }.filter(|(score, _)| *score >= SIMILAR).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

fn listed(known: &[&str], quote: char) -> String {
    known.iter().map(|key| format!("{quote}{key}{quote}")).collect::<Vec<_>>().join(", ")
}
