//! Whole numbers in JSON. `17` and `17.0` are the same number.

use std::num::NonZeroU32;

use camshaft_event::Offset;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Number;

/// The value of a non-negative whole number; none for any other number.
pub(crate) fn value(number: &Number) -> Option<u64> {
    number.as_u64().or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
        // Exact: formatting a whole float writes all its digits.
        format!("{float:.0}").parse().ok()
    })
}

fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let number = Option::<Number>::deserialize(deserializer)?;
    let wrong = |number: &Number| D::Error::custom(format!("{number} is not a whole number of 0 or more"));
    number.map(|number| value(&number).ok_or_else(|| wrong(&number))).transpose()
}

/// Reads an offset, or null.
///
/// # Errors
/// The value is neither an offset nor null.
pub(crate) fn offset<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Offset>, D::Error> {
    Ok(read(deserializer)?.map(Offset))
}

/// Reads a rate, or null.
///
/// # Errors
/// The value is neither a rate nor null, or the rate is 0.
pub(crate) fn rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU32>, D::Error> {
    let Some(number) = read(deserializer)? else { return Ok(None) };
    let rate = u32::try_from(number).ok().and_then(NonZeroU32::new);
    rate.map(Some).ok_or_else(|| D::Error::custom(format!("{number} is not a rate from 1 to {}", u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_may_be_written_as_a_fraction() {
        let of = |text: &str| value(&serde_json::from_str(text).unwrap());
        for (text, expected) in [
            ("17", Some(17)),
            ("17.0", Some(17)),
            ("1.7e1", Some(17)),
            ("0.0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("1e20", None),
            ("1.5", None),
            ("-1", None),
            ("-1.0", None),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
    }
}
