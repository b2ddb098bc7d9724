//! Encodes the folds of scopes: MessagePack like state values, but with the entries of every map in the order
//! of their encoded keys. Equal states are then equal bytes, although the order of a `HashMap` differs.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    codec::short_name,
    error::{Error, Result},
    scope::Scope,
};

/// Encodes the state of `scope`.
pub(crate) fn encode<S: Serialize>(scope: &Scope, state: &S) -> Result<Vec<u8>> {
    let bytes = rmp_serde::to_vec_named(state)
        .map_err(|error| Error::reject(format_args!("the fold of `{scope}` cannot be encoded: {error}")))?;
    let mut sorted = Vec::with_capacity(bytes.len());
    let mut rest = bytes.as_slice();
    sort_value(&mut rest, &mut sorted).expect("the encoder writes whole values");
    Ok(sorted)
}

/// Decodes the fold of `scope`.
pub(crate) fn decode<S: DeserializeOwned>(scope: &Scope, fold: &[u8]) -> Result<S> {
    rmp_serde::from_slice(fold).map_err(|error| {
        Error::reject(format_args!(
            "the fold of `{scope}` cannot be decoded as {}: {error}; if the type changed, raise `state_revision` \
             in plugin.toml",
            short_name::<S>()
        ))
    })
}

/// Moves one value from `input` to `output`, with its maps sorted. None if the input ends within the value.
fn sort_value(input: &mut &[u8], output: &mut Vec<u8>) -> Option<()> {
    let start = *input;
    match next_value(input)? {
        Value::Scalar => output.extend(taken(start, input)),
        Value::List(length) => {
            output.extend(taken(start, input));
            for _ in 0..length {
                sort_value(input, output)?;
            }
        }
        Value::Map(length) => {
            output.extend(taken(start, input));
            let mut entries = Vec::new();
            for _ in 0..length {
                let (mut key, mut value) = (Vec::new(), Vec::new());
                sort_value(input, &mut key)?;
                sort_value(input, &mut value)?;
                entries.push((key, value));
            }
            entries.sort();
            for (key, value) in entries {
                output.extend(key);
                output.extend(value);
            }
        }
    }
    Some(())
}

/// The part of `start` that was read.
fn taken<'b>(start: &'b [u8], rest: &[u8]) -> &'b [u8] {
    start.strip_suffix(rest).unwrap_or(start)
}

/// The result of [`next_value`]: a whole scalar, or the head of a container with its number of elements.
enum Value {
    Scalar,
    List(usize),
    Map(usize),
}

/// Reads a scalar, or the head of a list or map.
fn next_value(input: &mut &[u8]) -> Option<Value> {
    let [marker] = read(input)?;
    let scalar_bytes = match marker {
        0x80..=0x8f => return Some(Value::Map(usize::from(marker & 0x0f))),
        0x90..=0x9f => return Some(Value::List(usize::from(marker & 0x0f))),
        0xdc => return Some(Value::List(length(input, 2)?)),
        0xdd => return Some(Value::List(length(input, 4)?)),
        0xde => return Some(Value::Map(length(input, 2)?)),
        0xdf => return Some(Value::Map(length(input, 4)?)),
        // Small integers, nil and the booleans are the marker itself.
        0x00..=0x7f | 0xc0..=0xc3 | 0xe0..=0xff => 0,
        0xa0..=0xbf => usize::from(marker & 0x1f),
        0xc4 | 0xd9 => length(input, 1)?,
        0xc5 | 0xda => length(input, 2)?,
        0xc6 | 0xdb => length(input, 4)?,
        // Extensions have a byte for their type.
        0xc7 => length(input, 1)? + 1,
        0xc8 => length(input, 2)? + 1,
        0xc9 => length(input, 4)? + 1,
        0xd4..=0xd8 => (1 << (marker - 0xd4)) + 1,
        0xca => 4,
        0xcb => 8,
        0xcc..=0xcf => 1 << (marker - 0xcc),
        0xd0..=0xd3 => 1 << (marker - 0xd0),
    };
    *input = input.get(scalar_bytes..)?;
    Some(Value::Scalar)
}

/// Reads a length of 1, 2 or 4 bytes, most significant byte first.
fn length(input: &mut &[u8], bytes: usize) -> Option<usize> {
    let (head, rest) = input.split_at_checked(bytes)?;
    *input = rest;
    Some(head.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)))
}

fn read<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = input.split_first_chunk()?;
    *input = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use serde::Deserialize;

    use super::*;

    fn scope() -> Scope {
        Scope::new("course", "c1")
    }

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Seats {
        taken: HashMap<String, HashMap<u32, f64>>,
        name: Option<String>,
        rows: Vec<HashMap<i64, ()>>,
    }

    /// The same 100 entries, inserted in the order of `at`.
    fn seats(at: impl Fn(u32) -> u32) -> Seats {
        let mut seats = Seats { name: Some("hall".to_owned()), ..Seats::default() };
        for number in (0..100).map(&at) {
            let row = seats.taken.entry(format!("seat {number}")).or_default();
            row.extend((0..100).map(&at).map(|key| (key * 60, f64::from(key + number) / 3.0)));
        }
        seats.rows = vec![(0..100).map(&at).map(|key| (i64::from(key) - 50, ())).collect()];
        seats
    }

    #[test]
    fn the_order_of_insertion_does_not_change_the_bytes() {
        let first = encode(&scope(), &seats(|number| number)).unwrap();
        for factor in [3, 7, 11, 77, 99] {
            let other = encode(&scope(), &seats(|number| number * factor % 100)).unwrap();
            assert!(other == first, "inserted by steps of {factor}");
        }
        assert_eq!(decode::<Seats>(&scope(), &first).unwrap(), seats(|number| number));
    }

    #[test]
    fn the_entries_are_in_the_order_of_their_encoded_keys() {
        let map: HashMap<&str, BTreeMap<u32, &str>> =
            HashMap::from([("b", BTreeMap::from([(300, "y"), (2, "x")])), ("a", BTreeMap::new())]);
        let expected = [0x82, 0xa1, b'a', 0x80, 0xa1, b'b', 0x82, 2, 0xa1, b'x', 0xcd, 1, 44, 0xa1, b'y'];
        assert_eq!(encode(&scope(), &map).unwrap(), expected);
    }

    /// Every kind of value that the encoder writes, at the ends of its range.
    #[test]
    fn every_value_is_read_back() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        enum Kind {
            Unit,
            One(u8),
            Named { field: bool },
        }
        type All =
            (Vec<i64>, Vec<u64>, (f32, f64, bool, Option<()>, char), Vec<String>, Vec<Vec<u8>>, Vec<Kind>);
        let text = |length: usize| "x".repeat(length);
        let all: All = (
            vec![0, -1, -32, -33, -128, -129, -32_769, i64::from(i32::MIN) - 1, i64::MIN],
            vec![127, 128, 255, 256, 65_535, 65_536, u64::from(u32::MAX), u64::MAX],
            (1.5, -2.5, false, None, 'ü'),
            [0, 31, 32, 255, 256, 65_535, 65_536].map(text).into(),
            [0, 15, 16, 65_535, 65_536].map(|length| vec![7; length]).into(),
            vec![Kind::Unit, Kind::One(9), Kind::Named { field: true }],
        );
        let bytes = encode(&scope(), &all).unwrap();
        assert_eq!(bytes, rmp_serde::to_vec_named(&all).unwrap(), "nothing of it is a map to be sorted");
        assert_eq!(decode::<All>(&scope(), &bytes).unwrap(), all);
        let large: HashMap<u32, u32> = (0..70_000).map(|number| (number, number)).collect();
        assert_eq!(decode::<HashMap<u32, u32>>(&scope(), &encode(&scope(), &large).unwrap()).unwrap(), large);
    }

    #[test]
    fn bytes_and_extensions_are_moved_whole() {
        for value in [
            &[0xc4, 2, 0x81, 0x82][..],
            &[0xc5, 0, 1, 0x81],
            &[0xc6, 0, 0, 0, 1, 0x81],
            &[0xc7, 1, 5, 0x81],
            &[0xc8, 0, 1, 5, 0x81],
            &[0xc9, 0, 0, 0, 1, 5, 0x81],
            &[0xd4, 5, 0x81],
            &[0xd5, 5, 0x81, 0x81],
            &[0xd6, 5, 1, 2, 3, 4],
            &[0xd8, 5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
        ] {
            let (mut rest, mut output) = (value, Vec::new());
            sort_value(&mut rest, &mut output).unwrap();
            assert_eq!((rest, output.as_slice()), (&[][..], value));
            let mut short = &value[..value.len() - 1];
            assert_eq!(sort_value(&mut short, &mut Vec::new()), None, "{value:?} without its last byte");
        }
    }

    #[test]
    fn a_fold_of_another_type_is_rejected_with_its_scope_and_what_to_do() {
        let error = decode::<Seats>(&scope(), &[0xa1, b'x']).unwrap_err();
        assert!(error.is_reject());
        assert!(
            error.reason().starts_with("the fold of `course/c1` cannot be decoded as Seats: "),
            "{error}"
        );
        assert!(error.reason().ends_with("raise `state_revision` in plugin.toml"), "{error}");
    }
}
