//! TOML tables put together by the [rules](super::rules): the author's records into one, then the operator's
//! file over it.
//!
//! What a key means is of no interest here; the result is decoded once.

use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::rules::{self, Join};

/// Adds a further record of the same plugin.
///
/// # Errors
/// The key that has two values.
pub fn add_record<'t>(whole: &mut DeTable<'t>, record: DeTable<'t>) -> Result<(), String> {
    add(whole, record, "")
}

/// Puts the operator's table over the author's.
pub fn put_over<'t>(author: &mut DeTable<'t>, operator: DeTable<'t>) {
    over(author, operator, "");
}

fn add<'t>(whole: &mut DeTable<'t>, record: DeTable<'t>, prefix: &str) -> Result<(), String> {
    for (key, value) in record {
        let path = format!("{prefix}{}", key.get_ref());
        let Some(known) = whole.get_mut(&**key.get_ref()) else {
            whole.insert(key, value);
            continue;
        };
        match (rules::rule(&path).join, known.get_mut(), value.into_inner()) {
            (Join::KeyByKey, DeValue::Table(known), DeValue::Table(more)) => {
                add(known, more, &format!("{path}."))?;
            }
            (Join::List, DeValue::Array(known), DeValue::Array(more)) => add_entries(known, more),
            (_, known, value) if is_same(known, &value) => {}
            _ => return Err(path),
        }
    }
    Ok(())
}

/// The same object file linked twice says nothing new.
fn add_entries<'t>(known: &mut DeArray<'t>, more: DeArray<'t>) {
    for entry in more {
        if !known.iter().any(|one| is_same(one.get_ref(), entry.get_ref())) {
            known.push(entry);
        }
    }
}

fn over<'t>(author: &mut DeTable<'t>, operator: DeTable<'t>, prefix: &str) {
    for (key, value) in operator {
        let path = format!("{prefix}{}", key.get_ref());
        let join = rules::rule(&path).join;
        let is_silent = |value: &DeValue| value.as_array().is_some_and(|entries| entries.is_empty());
        if join == Join::List && is_silent(value.get_ref()) {
            continue;
        }
        let span = value.span();
        let value = match (join, author.get_mut(&**key.get_ref()).map(Spanned::get_mut), value.into_inner()) {
            (Join::KeyByKey, Some(DeValue::Table(author)), DeValue::Table(operator)) => {
                over(author, operator, &format!("{path}."));
                continue;
            }
            (_, _, value) => value,
        };
        // With the author's key its place would stay, too.
        author.remove(&**key.get_ref());
        author.insert(key, Spanned::new(span, value));
    }
}

/// Whether two values are the same, wherever they are written.
fn is_same(one: &DeValue, other: &DeValue) -> bool {
    match (one, other) {
        (DeValue::String(one), DeValue::String(other)) => one == other,
        (DeValue::Integer(one), DeValue::Integer(other)) => {
            let number = |text: &str, radix| i128::from_str_radix(text, radix).ok();
            number(one.as_str(), one.radix()) == number(other.as_str(), other.radix())
        }
        (DeValue::Float(one), DeValue::Float(other)) => {
            one.as_str().parse::<f64>().ok() == other.as_str().parse::<f64>().ok()
        }
        (DeValue::Boolean(one), DeValue::Boolean(other)) => one == other,
        (DeValue::Datetime(one), DeValue::Datetime(other)) => one == other,
        (DeValue::Array(one), DeValue::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other.iter()).all(|(one, other)| is_same(one.get_ref(), other.get_ref()))
        }
        (DeValue::Table(one), DeValue::Table(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| {
                    other.get(&**key.get_ref()).is_some_and(|other| is_same(value.get_ref(), other.get_ref()))
                })
        }
        _ => false,
    }
}
