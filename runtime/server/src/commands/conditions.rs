//! Conditions of commands: the versions that a sender expects of scopes, by the headers of HTTP or by the
//! extension `expect`.

use axum::http::{HeaderMap, HeaderName, header};
use camshaft::{PublishError, Runtime};
use camshaft_event::{EXPECT, Event};

use super::Problem;

/// The version that the headers expect of the scope that the command declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    header: HeaderName,
    version: u64,
}

impl Condition {
    /// The condition of a request; `None` if it has none.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        match (single(headers, header::IF_MATCH)?, single(headers, header::IF_NONE_MATCH)?) {
            (None, None) => Ok(None),
            (Some(value), None) => Ok(Some(Self { header: header::IF_MATCH, version: version(value)? })),
            (None, Some("*")) => Ok(Some(Self { header: header::IF_NONE_MATCH, version: 0 })),
            (None, Some(value)) => {
                let detail = format!("If-None-Match is `{value}`, but only `*` is supported");
                let hint = "Write `If-None-Match: *` to expect a scope without facts.";
                Err(Problem::invalid_request(header::IF_NONE_MATCH.as_str(), detail, hint))
            }
            (Some(_), Some(_)) => Err(Problem::invalid_request(
                header::IF_MATCH.as_str(),
                "If-Match and If-None-Match contradict each other",
                "Send one of the two headers.",
            )),
        }
    }
}

/// Lets the commands of a request expect the versions that it names: `condition` of its only command, and the
/// extension `expect` in the form that the runtime stores.
pub fn apply(
    runtime: &Runtime,
    commands: &mut [Event],
    is_batch: bool,
    condition: Option<Condition>,
) -> Result<(), Problem> {
    commands.iter_mut().for_each(normalize);
    let Some(Condition { header, version }) = condition else { return Ok(()) };
    let [command] = commands else { return Err(condition_of_batch(&header)) };
    if is_batch {
        return Err(condition_of_batch(&header));
    }
    runtime.expect(command, version).map_err(|error| match error {
        PublishError::Expectation { reason, .. } => {
            let hint = "Send the command without this header, or name the scopes in its attribute `expect`.";
            Problem::invalid_request(header.as_str(), reason, hint)
        }
        other => other.into(),
    })
}

/// Writes the extension `expect` as `account/9@7 course/c1@0`. It may have `=` in place of `@`, and commas.
fn normalize(command: &mut Event) {
    let Some(given) = command.extension(EXPECT) else { return };
    let parts = given.split([',', ' ']).filter(|part| !part.is_empty());
    let written = parts.map(|part| part.replace('=', "@")).collect::<Vec<_>>().join(" ");
    if written != given {
        command.set_extension(EXPECT, written);
    }
}

fn condition_of_batch(header: &HeaderName) -> Problem {
    let hint = "Name the versions in the attribute `expect` of each command.";
    Problem::invalid_request(header.as_str(), "a batch has no condition for all of its commands", hint)
}

/// The only value of a header.
fn single(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(&name).iter();
    let (first, second) = (values.next(), values.next());
    let Some(value) = first else { return Ok(None) };
    match value.to_str() {
        Ok(text) if second.is_none() => Ok(Some(text.trim())),
        _ => Err(not_a_version(&name, "the header occurs more than once, or is not text")),
    }
}

/// The version in a strong entity tag such as `"7"`.
fn version(value: &str) -> Result<u64, Problem> {
    let refuse = |reason: &str| Err(not_a_version(&header::IF_MATCH, reason));
    let digits = match value {
        "*" => return refuse("`*` names no version"),
        _ if value.starts_with("W/") => return refuse("a weak tag names no version"),
        _ if value.contains(',') => return refuse("it names more than one version"),
        _ => value.strip_prefix('"').and_then(|value| value.strip_suffix('"')),
    };
    let is_number = |digits: &&str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.filter(is_number).map(str::parse) {
        Some(Ok(version)) => Ok(version),
        _ => refuse("it is not a number in double quotes"),
    }
}

fn not_a_version(header: &HeaderName, reason: &str) -> Problem {
    let detail = format!("the header {header} is not the version of a scope: {reason}");
    let hint = "Write `If-Match: \"7\"`, with the version in the ETag of the scope or of an earlier answer.";
    Problem::invalid_request(header.as_str(), detail, hint)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn of(headers: &[(HeaderName, &'static str)]) -> Option<(HeaderName, u64)> {
        let pairs = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
        let condition = Condition::of(&pairs.collect()).unwrap()?;
        Some((condition.header, condition.version))
    }

    #[test]
    fn if_match_names_one_version_and_if_none_match_means_no_facts() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[(header::IF_MATCH, "\"7\"")]), Some((header::IF_MATCH, 7)));
        assert_eq!(of(&[(header::IF_NONE_MATCH, "*")]), Some((header::IF_NONE_MATCH, 0)));
    }

    #[test]
    fn other_conditions_are_refused_in_the_name_of_their_header() {
        let weak = ["W/\"7\"", "*", "7", "\"\"", "\"+7\"", "\"7\", \"8\"", "\"99999999999999999999\"", "\"7"];
        let none = ["\"7\"", "W/*"];
        let cases = weak.map(|value| (header::IF_MATCH, value));
        for (name, value) in cases.into_iter().chain(none.map(|value| (header::IF_NONE_MATCH, value))) {
            let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
            assert!(Condition::of(&headers).is_err(), "{value}");
        }
        let mut both = HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_static("\"7\""))]);
        both.append(header::IF_MATCH, HeaderValue::from_static("\"7\""));
        assert!(Condition::of(&both).is_err(), "twice");
        both = HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_static("\"7\""))]);
        both.insert(header::IF_NONE_MATCH, HeaderValue::from_static("*"));
        assert!(Condition::of(&both).is_err(), "contradiction");
    }

    #[test]
    fn expected_versions_are_written_in_one_form() {
        let written = |given: &str| {
            let mut command = Event::default();
            command.set_extension(EXPECT, given);
            normalize(&mut command);
            command.extension(EXPECT).unwrap().to_owned()
        };
        for given in ["account/9@7 course/c1@0", "account/9=7, course/c1=0", " account/9@7,course/c1=0 "] {
            assert_eq!(written(given), "account/9@7 course/c1@0", "{given}");
        }
    }
}
