//! The outcomes of a handler that did not succeed.
//!
//! An author uses two outcomes besides success: *retry*, the meaning of `?` for every standard error, and
//! *reject*, which the author requests explicitly. The runtime decides how to process the event after either
//! outcome.

use std::{error::Error as StdError, fmt, time::Duration};

/// The result of a handler: `Ok(())`, or an [`Error`] that requests a retry or a reject.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// The outcome and the reason of an attempt that did not succeed. All effects of the attempt are dropped.
///
/// `?` converts every [`std::error::Error`] into a retry. This type deliberately does not implement that
/// trait.
pub struct Error {
    disposition: Disposition,
    reason: String,
}

/// What the runtime does with the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposition {
    Retry { after: Option<Duration> },
    Reject,
}

impl Error {
    /// A retry: the event is handled again after the plugin's backoff.
    pub fn retry(reason: impl fmt::Display) -> Self {
        Self { disposition: Disposition::Retry { after: None }, reason: reason.to_string() }
    }

    /// A retry with a minimum delay: the event is handled again after `delay` or later.
    pub fn retry_after(delay: Duration, reason: impl fmt::Display) -> Self {
        Self { disposition: Disposition::Retry { after: Some(delay) }, reason: reason.to_string() }
    }

    /// A reject: no attempt can succeed, and the event becomes a dead letter now.
    pub fn reject(reason: impl fmt::Display) -> Self {
        Self { disposition: Disposition::Reject, reason: reason.to_string() }
    }

    /// Whether this is a reject, not a retry.
    #[must_use]
    pub fn is_reject(&self) -> bool {
        self.disposition == Disposition::Reject
    }

    /// The delay requested by [`Error::retry_after`].
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        match self.disposition {
            Disposition::Retry { after } => after,
            Disposition::Reject => None,
        }
    }

    /// Retry or reject. Used by the component side.
    #[cfg_attr(not(target_family = "wasm"), expect(dead_code, reason = "only a component needs it"))]
    pub(crate) fn disposition(&self) -> Disposition {
        self.disposition
    }

    /// The reason, for people.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.disposition {
            Disposition::Retry { after: None } => write!(f, "retry: {}", self.reason),
            Disposition::Retry { after: Some(delay) } => write!(f, "retry after {delay:?}: {}", self.reason),
            Disposition::Reject => write!(f, "reject: {}", self.reason),
        }
    }
}

impl<E: StdError> From<E> for Error {
    fn from(error: E) -> Self {
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            reason = format!("{reason}: {cause}");
            source = cause.source();
        }
        Self::retry(reason)
    }
}

/// Converts a missing value or an error into a retry or a reject. Part of the prelude.
pub trait OutcomeExt<T> {
    /// Rejects the event: it becomes a dead letter with this reason.
    ///
    /// # Errors
    /// If the option is `None` or the result is an error.
    fn reject(self, reason: impl fmt::Display) -> Result<T>;

    /// Retries the event after the plugin's backoff.
    ///
    /// # Errors
    /// If the option is `None` or the result is an error.
    fn retry(self, reason: impl fmt::Display) -> Result<T>;

    /// Retries the event after `delay` or later.
    ///
    /// # Errors
    /// If the option is `None` or the result is an error.
    fn retry_after(self, delay: Duration, reason: impl fmt::Display) -> Result<T>;
}

impl<T> OutcomeExt<T> for Option<T> {
    fn reject(self, reason: impl fmt::Display) -> Result<T> {
        self.ok_or_else(|| Error::reject(reason))
    }

    fn retry(self, reason: impl fmt::Display) -> Result<T> {
        self.ok_or_else(|| Error::retry(reason))
    }

    fn retry_after(self, delay: Duration, reason: impl fmt::Display) -> Result<T> {
        self.ok_or_else(|| Error::retry_after(delay, reason))
    }
}

impl<T, E: fmt::Display> OutcomeExt<T> for std::result::Result<T, E> {
    fn reject(self, reason: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Error::reject(format_args!("{reason}: {error}")))
    }

    fn retry(self, reason: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Error::retry(format_args!("{reason}: {error}")))
    }

    fn retry_after(self, delay: Duration, reason: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Error::retry_after(delay, format_args!("{reason}: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_mark_retries_with_all_causes_named() {
        #[derive(Debug)]
        struct Outer(std::num::ParseIntError);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("quantity unreadable")
            }
        }
        impl StdError for Outer {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&self.0)
            }
        }
        let handler = || -> Result {
            Err(Outer("x".parse::<u32>().unwrap_err()))?;
            Ok(())
        };
        let error = handler().unwrap_err();
        assert!(!error.is_reject());
        assert_eq!(error.reason(), "quantity unreadable: invalid digit found in string");
    }

    #[test]
    fn options_and_results_become_the_outcome_that_was_named() {
        assert_eq!(Some(7).reject("absent").unwrap(), 7);
        let absent: Option<u8> = None;
        assert_eq!(format!("{:?}", absent.reject("unknown article").unwrap_err()), "reject: unknown article");
        assert_eq!(format!("{:?}", absent.retry("not yet").unwrap_err()), "retry: not yet");
        let failed: Result<u8, &str> = Err("3 left");
        assert_eq!(format!("{:?}", failed.reject("too few").unwrap_err()), "reject: too few: 3 left");
        let error = failed.retry_after(Duration::from_secs(5), "too few").unwrap_err();
        assert_eq!(format!("{error:?}"), "retry after 5s: too few: 3 left");
        assert_eq!(error.delay(), Some(Duration::from_secs(5)));
    }
}
