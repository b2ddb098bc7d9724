//! Refusals: the answer to a command that is not accepted.

use std::{error::Error as StdError, fmt};

use serde::Serialize;

use crate::{
    codec::{Decode, Encode},
    error::{Error, Result},
    event::Bytes,
};

/// The result of a decision: the reply to the sender, or a [`Declined`]. `?` converts a [`Refusal`], an
/// [`Error`] and every [`std::error::Error`].
pub type Decided<R = ()> = std::result::Result<R, Declined>;

/// A decided no. It is an answer, so it is final: the sender gets the code, the message and the data. A
/// refused command records no facts.
///
/// ```
/// use camshaft_sdk::prelude::*;
///
/// fn checked(seats: u32, taken: u32) -> Decided<u32> {
///     (taken <= seats).or_refuse("overbooked")?;
///     let free = seats - taken;
///     (free > 0).or_refuse(Refusal::new("full").message("all seats are taken").data(&seats))?;
///     Ok(free)
/// }
///
/// assert_eq!(checked(3, 1).unwrap(), 2);
/// assert_eq!(checked(3, 3).unwrap_err().refusal().unwrap().code, "full");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason for programs, such as `course-full`.
    pub code: String,
    /// The reason for people. May be empty.
    pub message: String,
    /// The encoded data, or the reason why it cannot be encoded.
    data: std::result::Result<Vec<u8>, String>,
}

impl Refusal {
    /// Creates a refusal with the reason for programs, such as `course-full`.
    pub fn new(code: impl Into<String>) -> Self {
        Self { code: code.into(), message: String::new(), data: Ok(Vec::new()) }
    }

    /// Sets the reason for people.
    #[must_use]
    pub fn message(mut self, message: impl fmt::Display) -> Self {
        self.message = message.to_string();
        self
    }

    /// Sets further data for programs, encoded as JSON. If it cannot be encoded, the command is rejected.
    #[must_use]
    pub fn data<T: Serialize + ?Sized>(mut self, data: &T) -> Self {
        self.data = data.encode(None);
        self
    }

    /// Decodes the further data, for tests.
    ///
    /// # Errors
    /// If the data cannot be decoded as `T`.
    pub fn decode<T: Decode>(&self) -> Result<T> {
        let bytes = self.data.clone().map_err(|reason| self.unencodable(&reason))?;
        T::decode(None, Bytes(bytes))
            .map_err(|reason| Error::reject(format_args!("data of refusal `{}`: {reason}", self.code)))
    }

    /// Code, message and encoded data.
    #[cfg_attr(not(target_family = "wasm"), expect(dead_code, reason = "only a component needs it"))]
    pub(crate) fn into_parts(self) -> (String, String, Vec<u8>) {
        (self.code, self.message, self.data.unwrap_or_default())
    }

    fn unencodable(&self, reason: &str) -> Error {
        Error::reject(format_args!("data of refusal `{}` cannot be encoded: {reason}", self.code))
    }
}

/// A code alone is a refusal.
impl From<&str> for Refusal {
    fn from(code: &str) -> Self {
        Self::new(code)
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        match &self.data {
            Ok(data) if data.is_empty() => Ok(()),
            Ok(data) => write!(f, " {}", String::from_utf8_lossy(data)),
            Err(reason) => write!(f, " ({reason})"),
        }
    }
}

/// Why a command was not accepted.
pub enum Declined {
    /// The author's code refused it. This is an answer to the sender.
    Refused(Refusal),
    /// The attempt failed, and the error says whether the command is decided again.
    Failed(Error),
}

impl Declined {
    /// The refusal, if this is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Failed(_) => None,
        }
    }

    /// The error, if the attempt failed.
    #[must_use]
    pub fn failure(&self) -> Option<&Error> {
        match self {
            Self::Refused(_) => None,
            Self::Failed(error) => Some(error),
        }
    }
}

impl fmt::Debug for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "refused: {refusal:?}"),
            Self::Failed(error) => write!(f, "{error:?}"),
        }
    }
}

/// A refusal whose data cannot be encoded is a failure.
impl From<Refusal> for Declined {
    fn from(refusal: Refusal) -> Self {
        match &refusal.data {
            Ok(_) => Self::Refused(refusal),
            Err(reason) => Self::Failed(refusal.unencodable(reason)),
        }
    }
}

impl From<Error> for Declined {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl<E: StdError> From<E> for Declined {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Converts a missing value, a condition that does not hold or an error into a refusal. Part of the prelude.
///
/// The SDK's own [`Error`] is not converted: a failed call into the runtime is not an answer to the sender.
/// So `?` comes first, as in `ctx.load::<Course>(id)?.or_refuse("no-such-course")?`.
///
/// ```compile_fail,E0599
/// # use camshaft_sdk::prelude::*;
/// fn seats(loaded: Result<u32>) -> Decided<u32> {
///     Ok(loaded.or_refuse("no-such-course")?)
/// }
/// ```
pub trait RefuseExt<T> {
    /// Refuses the command with this code, or with this [`Refusal`]. The message of an error becomes the
    /// message of the refusal, unless the refusal has one.
    ///
    /// # Errors
    /// If the option is `None`, the condition is false or the result is an error.
    fn or_refuse(self, refusal: impl Into<Refusal>) -> Result<T, Refusal>;
}

impl<T> RefuseExt<T> for Option<T> {
    fn or_refuse(self, refusal: impl Into<Refusal>) -> Result<T, Refusal> {
        self.ok_or_else(|| refusal.into())
    }
}

impl RefuseExt<()> for bool {
    fn or_refuse(self, refusal: impl Into<Refusal>) -> Result<(), Refusal> {
        if self { Ok(()) } else { Err(refusal.into()) }
    }
}

impl<T, E: StdError> RefuseExt<T> for Result<T, E> {
    fn or_refuse(self, refusal: impl Into<Refusal>) -> Result<T, Refusal> {
        self.map_err(|error| {
            let refusal = refusal.into();
            if refusal.message.is_empty() { refusal.message(error) } else { refusal }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_value_a_false_condition_and_an_error_become_the_named_refusal() {
        assert_eq!(Some(7).or_refuse("absent"), Ok(7));
        assert_eq!(None::<u8>.or_refuse("absent"), Err(Refusal::new("absent")));
        assert_eq!(true.or_refuse("false"), Ok(()));
        assert_eq!(
            false.or_refuse(Refusal::new("false").message("no")),
            Err(Refusal::new("false").message("no"))
        );
        assert_eq!("7".parse::<u8>().or_refuse("no-number"), Ok(7));
    }

    #[test]
    fn the_message_of_an_error_is_that_of_the_refusal_unless_it_has_one() {
        let refusal = "x".parse::<u8>().or_refuse("no-number").unwrap_err();
        assert_eq!(format!("{refusal:?}"), "no-number: invalid digit found in string");
        let refusal = "x".parse::<u8>().or_refuse(Refusal::new("no-number").message("write a number"));
        assert_eq!(format!("{:?}", refusal.unwrap_err()), "no-number: write a number");
    }

    #[test]
    fn a_question_mark_keeps_refusals_and_errors_apart() {
        let decide = |what: &str| -> Decided<u8> {
            match what {
                "refused" => Err(Refusal::new("full").data(&[1, 2]))?,
                "rejected" => Err(Error::reject("never"))?,
                number => Ok(number.parse()?),
            }
        };
        assert_eq!(decide("7").unwrap(), 7);
        assert_eq!(format!("{:?}", decide("refused").unwrap_err()), "refused: full [1,2]");
        assert_eq!(format!("{:?}", decide("rejected").unwrap_err()), "reject: never");
        assert_eq!(format!("{:?}", decide("x").unwrap_err()), "retry: invalid digit found in string");
    }
}
