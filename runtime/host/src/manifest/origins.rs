//! Who said what: for each key of `[policy]`, `[limits]` and `[config]` that was written, by whom.
//!
//! Told by the place of the value among all texts, see [`Sources`](super::sources::Sources).

use std::collections::BTreeMap;

use serde::Serialize;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::rules::{self, Join};

/// Where a value of a manifest comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The author's manifest.
    Author,
    /// The operator's file.
    Operator,
    /// Neither says it.
    Default,
}

/// By the dotted key, who wrote it.
pub type Origins = BTreeMap<String, Origin>;

/// The tables whose keys are told apart.
const TABLES: [&str; 3] = ["policy", "limits", "config"];

/// The origins of the keys in a merged `table`. What begins at `operator` or behind it is the operator's.
pub fn of(table: &DeTable, operator: usize) -> Origins {
    let mut origins = Origins::new();
    for name in TABLES {
        if let Some(value) = table.get(name) {
            collect(name, value, operator, &mut origins);
        }
    }
    origins
}

fn collect(path: &str, value: &Spanned<DeValue>, operator: usize, origins: &mut Origins) {
    if let DeValue::Table(table) = value.get_ref()
        && rules::rule(path).join == Join::KeyByKey
    {
        for (key, value) in table {
            collect(&format!("{path}.{}", key.get_ref()), value, operator, origins);
        }
        return;
    }
    let origin = if value.span().start >= operator { Origin::Operator } else { Origin::Author };
    origins.insert(path.to_owned(), origin);
}
