//! The ids of lines of data.
//!
//! The id of a line depends on its content and on the path of the input, not on its line number: correcting,
//! adding or removing a line changes no other line's id. Equal lines of one input are counted.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    process,
};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Input, Template};

/// Assigns an id to each line.
pub struct Ids {
    rule: Rule,
    /// The hash state before a line is added.
    common: Sha256,
    /// How often each content has occurred, by the start of its hash.
    seen: HashMap<u64, u32>,
}

enum Rule {
    /// This prefix, followed by the hash.
    Hash {
        prefix: String,
    },
    Pattern(Pattern),
}

/// The pattern of `--id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Pointer(String),
    Line,
    Hash,
}

impl Ids {
    /// Creates the ids of the lines of `input`.
    ///
    /// Ids of a file depend on its canonical path, so equal lines of two files are two events. Input without
    /// a path uses the name of its run, which is random unless `--run` sets it.
    pub fn new(template: &Template, input: &Input) -> Self {
        let Template { event_type, source, subject, key, content_type, id, run } = template;
        let mut common = Sha256::new();
        let place =
            input.place.as_ref().filter(|_| run.is_none()).map(|place| place.as_os_str().as_encoded_bytes());
        let attributes = [event_type, &Some(source.clone()), subject, key, &Some(content_type.clone())];
        for part in attributes.map(|text| text.as_deref().map(str::as_bytes)).into_iter().chain([place]) {
            let part = part.unwrap_or_default();
            common.update((part.len() as u64).to_le_bytes());
            common.update(part);
        }
        let rule = match id {
            Some(pattern) => Rule::Pattern(pattern.clone()),
            None => Rule::Hash { prefix: run.clone().unwrap_or_else(|| input.run.clone()) },
        };
        Self { rule, common, seen: HashMap::new() }
    }

    /// The id of the line `number`.
    ///
    /// # Errors
    /// The line lacks a value that `--id` refers to.
    pub fn of(&mut self, number: u64, data: &[u8]) -> Result<String, String> {
        match &self.rule {
            Rule::Hash { prefix } => {
                let prefix = prefix.clone();
                Ok(format!("{prefix}:{}", self.hash(data)))
            }
            Rule::Pattern(pattern) => pattern.clone().fill(number, data, || self.hash(data)),
        }
    }

    /// The hash of a line, and its number among equal lines.
    fn hash(&mut self, data: &[u8]) -> String {
        const BYTES: usize = 16;
        let digest = self.common.clone().chain_update(data).finalize();
        let mut start = [0; 8];
        start.copy_from_slice(&digest[..8]);
        let count = self.seen.entry(u64::from_le_bytes(start)).or_default();
        *count += 1;
        let hash: String = digest[..BYTES].iter().map(|byte| format!("{byte:02x}")).collect();
        if *count == 1 { hash } else { format!("{hash}-{count}") }
    }
}

/// A random text for new ids: the run name of input that has no path, such as stdin, or the id of a command.
pub fn random_id() -> String {
    format!("{:016x}", RandomState::new().hash_one((process::id(), jiff::Timestamp::now().as_nanosecond())))
}

impl std::str::FromStr for Pattern {
    type Err = String;

    /// Parses `/order/id`, or a template such as `order-{/id}-{line}`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with('/') {
            return Ok(Self(vec![Piece::Pointer(text.to_owned())]));
        }
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, after) = behind.split_once('}').ok_or("a { has no matching }")?;
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(match name {
                "line" => Piece::Line,
                "hash" => Piece::Hash,
                pointer if pointer.starts_with('/') => Piece::Pointer(pointer.to_owned()),
                other => {
                    return Err(format!("{{{other}}} is unknown; use {{/pointer}}, {{line}} or {{hash}}"));
                }
            });
            rest = after;
        }
        if pieces.is_empty() {
            return Err("every line would have the same id; use a JSON pointer such as /id".to_owned());
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }
}

impl Pattern {
    fn fill(&self, number: u64, data: &[u8], hash: impl FnOnce() -> String) -> Result<String, String> {
        let mut hash = Some(hash);
        let mut hashed: Option<String> = None;
        let value: Option<Value> = match self.0.iter().any(|piece| matches!(piece, Piece::Pointer(_))) {
            true => {
                Some(serde_json::from_slice(data).map_err(|error| format!("the line is not JSON: {error}"))?)
            }
            false => None,
        };
        let mut id = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => id.push_str(text),
                Piece::Line => id.push_str(&number.to_string()),
                Piece::Hash => {
                    if let Some(hash) = hash.take() {
                        hashed = Some(hash());
                    }
                    id.push_str(hashed.as_deref().unwrap_or_default());
                }
                Piece::Pointer(pointer) => {
                    let found = value.as_ref().and_then(|value| value.pointer(pointer));
                    id.push_str(
                        &text_of(found).ok_or_else(|| {
                            format!("the line has no string or 64-bit integer at {pointer}")
                        })?,
                    );
                }
            }
        }
        Ok(id)
    }
}

/// The text of a value. Inexact numbers are excluded: JSON parsers could map two of them to one id.
fn text_of(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn template(run: Option<&str>, id: Option<&str>) -> Template {
        Template {
            event_type: Some("row.read".into()),
            source: "/cli".into(),
            subject: None,
            key: None,
            content_type: "application/json".into(),
            id: id.map(|id| id.parse().unwrap()),
            run: run.map(str::to_owned),
        }
    }

    fn ids(template: &Template, input: &Input, lines: &[&str]) -> Vec<String> {
        let mut ids = Ids::new(template, input);
        (1..).zip(lines).map(|(number, line)| ids.of(number, line.as_bytes()).unwrap()).collect()
    }

    #[test]
    fn equal_lines_of_two_files_are_two_events_and_an_edit_changes_no_other_line() {
        let folder = tempfile::tempdir().unwrap();
        for day in ["day1", "day2"] {
            fs::create_dir(folder.path().join(day)).unwrap();
            fs::write(folder.path().join(day).join("rows.ndjson"), "").unwrap();
        }
        let input = |day: &str| Input::open(Some(&folder.path().join(day).join("rows.ndjson"))).unwrap();
        let template = template(None, None);
        let first = ids(&template, &input("day1"), &["a", "b", "a"]);
        assert!(first.iter().all(|id| id.starts_with("rows.ndjson:")), "{first:?}");
        assert!(first[0] != first[1] && first[2] == format!("{}-2", first[0]), "{first:?}");
        assert_eq!(ids(&template, &input("day1"), &["new", "a", "b", "a"])[1..], first);
        let second = ids(&template, &input("day2"), &["a", "b", "a"]);
        assert!(second.iter().all(|id| !first.contains(id)), "{second:?}");
        let other = Template { subject: Some("s".into()), ..template.clone() };
        assert!(!first.contains(&ids(&other, &input("day1"), &["a"])[0]), "another subject is another event");
    }

    #[test]
    fn lines_of_stdin_repeat_their_ids_only_with_the_name_of_their_run() {
        let (mut one, mut other) = (Input::open(None).unwrap(), Input::open(None).unwrap());
        let without = template(None, None);
        assert_ne!(ids(&without, &one, &["a"]), ids(&without, &other, &["a"]));
        (one.run, other.run) = ("same".into(), "same".into());
        assert_eq!(ids(&without, &one, &["a", "b"]), ids(&without, &other, &["a", "b"]));
        let named = template(Some("same"), None);
        assert_eq!(ids(&named, &Input::open(None).unwrap(), &["b"])[0], ids(&without, &one, &["a", "b"])[1]);
    }

    #[test]
    fn an_id_is_taken_from_where_the_pattern_says() {
        let input = Input::open(None).unwrap();
        let of = |pattern: &str, line: &str| {
            Ids::new(&template(None, Some(pattern)), &input).of(7, line.as_bytes())
        };
        let line = r#"{"order":{"id":"o-1"},"n":18446744073709551615,"f":1.5}"#;
        assert_eq!(of("/order/id", line).unwrap(), "o-1");
        assert_eq!(of("x-{/n}-{line}", line).unwrap(), "x-18446744073709551615-7");
        let hash = of("{hash}", line).unwrap();
        assert_eq!((hash.len(), of("a{hash}", line).unwrap()), (32, format!("a{hash}")));
        for pointer in ["/f", "/none", "/order"] {
            assert!(of(pointer, line).unwrap_err().contains(pointer), "{pointer}");
        }
        assert!(of("/n", r#"{"n":18446744073709551616}"#).is_err(), "it would be read as another number");
        for wrong in ["same", "{", "{id}", "a{}"] {
            assert!(wrong.parse::<Pattern>().is_err(), "{wrong}");
        }
    }
}
