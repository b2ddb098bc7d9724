//! Who may write which key of the manifest, and how its values are put together: the table in
//! `wit/README.md`, as data.
//!
//! The merge and the bounds ask it. A key without a line here is the author's and the operator's: records
//! must agree on it, and the operator's value replaces the author's.

use toml::de::{DeTable, DeValue};

/// One key that does not follow the default.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The key, behind those of the tables around it.
    pub key: &'static str,
    /// Who may write it.
    pub owner: Owner,
    /// How two values become one.
    pub join: Join,
    /// How many entries it may have, and their name.
    pub most: Option<(usize, &'static str)>,
}

/// Who may write a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The author, and the operator over the author.
    Both,
    /// The author; the operator, too, if the plugin is a template.
    AuthorOfTemplate,
    /// Only the author.
    Author,
    /// Only the operator.
    Operator,
}

/// How the values of one key in two records are joined, and what of the author's the operator's value
/// replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// Tables key by key, everything else as [`Join::Whole`].
    KeyByKey,
    /// A single value, also where it is a table: records agree on it, the operator replaces it.
    Whole,
    /// A list: records add their entries, each once; the operator's replaces it unless it is empty.
    List,
}

/// One of the two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    Author,
    Operator,
}

const DEFAULT: Rule = Rule { key: "", owner: Owner::Both, join: Join::KeyByKey, most: None };

const RULES: &[Rule] = &[
    Rule { key: "manifest", owner: Owner::Author, ..DEFAULT },
    Rule { key: "version", owner: Owner::Author, ..DEFAULT },
    Rule { key: "template", owner: Owner::Author, ..DEFAULT },
    Rule { key: "state_revision", owner: Owner::Author, ..DEFAULT },
    Rule { key: "name", owner: Owner::AuthorOfTemplate, ..DEFAULT },
    Rule { key: "description", owner: Owner::AuthorOfTemplate, ..DEFAULT },
    Rule { key: "start", owner: Owner::AuthorOfTemplate, ..DEFAULT },
    list("subscriptions", Owner::AuthorOfTemplate, 256, "[[subscriptions]]"),
    list("commands", Owner::Author, 256, "[[commands]]"),
    list("handlers", Owner::Author, 256, "names in `handlers`"),
    list("publishes", Owner::AuthorOfTemplate, 1_024, "types in `publishes`"),
    // There are far fewer.
    list("capabilities", Owner::Author, 32, "names in `capabilities`"),
    list("grants", Owner::Operator, 32, "names in `grants`"),
    list("http", Owner::Operator, 256, "[[http]]"),
    // Each is read whenever the plugin is loaded.
    Rule { key: "secrets", owner: Owner::Operator, most: Some((64, "names in [secrets]")), ..DEFAULT },
    Rule { key: "config", most: Some((1_000, "keys in [config]")), ..DEFAULT },
    Rule { key: "policy.rate", join: Join::Whole, ..DEFAULT },
];

const fn list(key: &'static str, owner: Owner, most: usize, entries: &'static str) -> Rule {
    Rule { key, owner, join: Join::List, most: Some((most, entries)) }
}

/// The rule of the key at `path`.
pub fn rule(path: &str) -> Rule {
    RULES.iter().copied().find(|rule| rule.key == path).unwrap_or(DEFAULT)
}

/// The first key of `table` that its writer may not write. A list without entries says nothing.
pub fn foreign_key(table: &DeTable, writer: Writer, is_template: bool) -> Option<&'static str> {
    let is_foreign = |rule: &Rule| match rule.owner {
        Owner::Both => false,
        Owner::AuthorOfTemplate => writer == Writer::Operator && !is_template,
        Owner::Author => writer == Writer::Operator,
        Owner::Operator => writer == Writer::Author,
    };
    RULES.iter().find(|rule| is_foreign(rule) && says_something(table, rule.key)).map(|rule| rule.key)
}

/// The first key of an operator's `table` that gives the plugin something beyond what its author could say: a
/// grant, a way out or a secret.
pub fn giving_key(table: &DeTable) -> Option<&'static str> {
    let gives = |rule: &&Rule| rule.owner == Owner::Operator && says_something(table, rule.key);
    RULES.iter().find(gives).map(|rule| rule.key)
}

/// Whether `key` is there, and with more than an empty list or table.
pub fn says_something(table: &DeTable, key: &str) -> bool {
    table.get(key).is_some_and(|value| entries(value.get_ref()) != Some(0))
}

/// The first key of `table` with more entries than it may have: how many there are, how many may be, and
/// their name.
pub fn exceeded(table: &DeTable) -> Option<(usize, usize, &'static str)> {
    RULES.iter().find_map(|rule| {
        let (most, name) = rule.most?;
        let count = entries(table.get(rule.key)?.get_ref())?;
        (count > most).then_some((count, most, name))
    })
}

fn entries(value: &DeValue) -> Option<usize> {
    match value {
        DeValue::Array(entries) => Some(entries.len()),
        DeValue::Table(entries) => Some(entries.len()),
        _ => None,
    }
}
