//! Compares expected and actual values, and shows their differences.
//!
//! Both are JSON. TOML has no null, so null counts as absent. Numbers are equal if their values are.

use serde_json::{Map, Value};
use similar::{ChangeTag, TextDiff};

use super::fixture::REST;

/// Removes from `expected` and `actual` the parts that are not compared. The case matches if the results are
/// equal.
pub fn align(expected: &Value, actual: &Value) -> (Value, Value) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => align_members(expected, actual),
        (Value::Array(expected), Value::Array(actual)) => {
            let is_open = expected.last().is_some_and(|last| last == REST);
            let expected = expected.get(..expected.len() - usize::from(is_open)).unwrap_or_default();
            let actual = if is_open { actual.get(..expected.len()).unwrap_or(actual) } else { actual };
            let null = Value::Null;
            let pairs = (0..expected.len().max(actual.len())).map(|at| (expected.get(at), actual.get(at)));
            let pairs = pairs.map(|(expected, actual)| {
                let (one, other) = align(expected.unwrap_or(&null), actual.unwrap_or(&null));
                (expected.map(|_| one), actual.map(|_| other))
            });
            let (one, other): (Vec<_>, Vec<_>) = pairs.unzip();
            (one.into_iter().flatten().collect(), other.into_iter().flatten().collect())
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => {
            // Beyond 2^53 floats cannot distinguish neighbouring integers, so compare integers as integers.
            let both_whole = one.as_f64().is_some() && !one.is_f64() && !other.is_f64();
            (expected.clone(), if both_whole { actual.clone() } else { expected.clone() })
        }
        _ => (without_rest(expected), without_nulls(actual)),
    }
}

fn align_members(expected: &Map<String, Value>, actual: &Map<String, Value>) -> (Value, Value) {
    let is_open = expected.contains_key(REST);
    let null = Value::Null;
    let (mut one, mut other) = (Map::new(), Map::new());
    for (key, value) in expected.iter().filter(|(key, _)| *key != REST) {
        one.insert(key.clone(), align(value, actual.get(key).unwrap_or(&null)).0);
    }
    for (key, value) in actual.iter().filter(|(_, value)| !value.is_null()) {
        match expected.get(key) {
            Some(wanted) => drop(other.insert(key.clone(), align(wanted, value).1)),
            None if is_open => {}
            None => drop(other.insert(key.clone(), without_nulls(value))),
        }
    }
    (Value::Object(one), Value::Object(other))
}

/// The expected value, without the markers for the rest.
fn without_rest(value: &Value) -> Value {
    match value {
        Value::Object(members) => align_members(members, &Map::new()).0,
        Value::Array(items) => items.iter().filter(|item| *item != REST).map(without_rest).collect(),
        other => other.clone(),
    }
}

/// The value without members that are null.
pub fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(members.map(|(key, value)| (key.clone(), without_nulls(value))).collect())
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// The lines of both values; differing lines are marked `-` (expected) and `+` (actual).
pub fn difference(expected: &Value, actual: &Value) -> String {
    let (expected, actual) = (lines(expected), lines(actual));
    let changes = TextDiff::from_lines(&expected, &actual);
    let mut text = String::new();
    for change in changes.iter_all_changes() {
        let mark = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        text += &format!("{mark} {}\n", change.value().trim_end_matches('\n'));
    }
    text
}

fn lines(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("JSON can be printed") + "\n"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(expected: &Value, actual: &Value, equal: bool) {
        let (one, other) = align(expected, actual);
        assert_eq!(one == other, equal, "{one} {other}");
    }

    #[test]
    fn values_are_equal_exactly_unless_the_rest_is_left_open() {
        check(&json!({"a": 1}), &json!({"a": 1}), true);
        check(&json!({"a": 1}), &json!({"a": 1, "b": 2}), false);
        check(&json!({"a": 1, "..": true}), &json!({"a": 1, "b": 2}), true);
        check(&json!({"a": 1, "..": true}), &json!({"b": 2}), false);
        check(&json!([1, ".."]), &json!([1, 2, 3]), true);
        check(&json!([1, 2]), &json!([1, 2, 3]), false);
        check(&json!([1, 2, ".."]), &json!([1]), false);
        check(&json!({"a": [{"b": 1, "..": true}]}), &json!({"a": [{"b": 1, "c": 2}]}), true);
        check(&json!({"a": {"..": true}}), &json!({}), false);
    }

    #[test]
    fn nulls_count_as_absent_and_numbers_by_their_value() {
        check(&json!({"a": 1}), &json!({"a": 1.0, "b": null}), true);
        check(&json!(5.0), &json!(5), true);
        check(&json!(9_007_199_254_740_993_i64), &json!(9_007_199_254_740_992_i64), false);
        check(&json!([{"a": 1}]), &json!([{"a": 1, "b": null}]), true);
        check(&json!(1), &json!("1"), false);
    }

    #[test]
    fn a_difference_marks_only_the_lines_that_differ() {
        let (one, other) = align(&json!({"a": 1, "b": 2, "..": true}), &json!({"a": 1, "b": 3, "c": 4}));
        insta::assert_snapshot!(difference(&one, &other), @r#"
          {
            "a": 1,
        -   "b": 2
        +   "b": 3
          }
        "#);
    }
}
