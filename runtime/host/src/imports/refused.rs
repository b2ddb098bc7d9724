//! Refused effects in the contract's words.
//!
//! `state`, `publisher` and `scopes` call it. The engine remembers a refusal itself and ends the attempt with
//! it, so what the guest is told here is for its own messages; a fact without a case of its own becomes
//! `other`.

use camshaft_event::{EffectError, Limit};
use wasmtime::bail;

use super::bindings::camshaft::{
    plugin0_1_0::{publisher, state},
    plugin0_2_0::scopes,
};

/// The outcome of a call of the `state` interface.
pub fn state<T>(outcome: Result<T, EffectError>) -> wasmtime::Result<Result<T, state::Error>> {
    let error = match outcome {
        Ok(value) => return Ok(Ok(value)),
        Err(error) => error,
    };
    Ok(Err(match error {
        EffectError::Empty { limit, .. } | EffectError::Limit { kind: Limit::StateKey, limit, .. } => {
            state::Error::InvalidKey(number(limit))
        }
        EffectError::Limit { kind: Limit::StateValue, limit, .. } => {
            state::Error::ValueTooLarge(number(limit))
        }
        EffectError::Limit { kind: Limit::Transaction, limit, .. } => {
            state::Error::AttemptTooLarge(number(limit))
        }
        EffectError::Unavailable { .. } => bail!("{error}"),
        error => state::Error::Other(error.to_string()),
    }))
}

/// The outcome of a call of the `publisher` interface.
pub fn publishing(outcome: Result<(), EffectError>) -> wasmtime::Result<Result<(), publisher::Error>> {
    let error = match outcome {
        Ok(()) => return Ok(Ok(())),
        Err(error) => error,
    };
    Ok(Err(match error {
        EffectError::UndeclaredType { event_type } => publisher::Error::UndeclaredType(event_type),
        EffectError::InvalidEvent { reason } => publisher::Error::InvalidEvent(reason),
        EffectError::Limit { kind: Limit::Event, limit, .. } => {
            publisher::Error::EventTooLarge(number(limit))
        }
        EffectError::Limit { kind: Limit::Transaction, limit, .. } => {
            publisher::Error::AttemptTooLarge(number(limit))
        }
        EffectError::Limit { kind: Limit::Timers, limit, .. } => {
            publisher::Error::TooManyTimers(number(limit))
        }
        EffectError::Empty { limit, .. } | EffectError::Limit { kind: Limit::TimerName, limit, .. } => {
            publisher::Error::InvalidTimerName(number(limit))
        }
        EffectError::Unavailable { .. } => bail!("{error}"),
        error => publisher::Error::Other(error.to_string()),
    }))
}

/// The outcome of a call of the `scopes` interface.
pub fn scopes<T>(outcome: Result<T, EffectError>) -> wasmtime::Result<Result<T, scopes::Error>> {
    let error = match outcome {
        Ok(value) => return Ok(Ok(value)),
        Err(error) => error,
    };
    Ok(Err(match error {
        EffectError::Limit { kind: Limit::Scopes, limit, .. } => scopes::Error::TooManyScopes(number(limit)),
        EffectError::Empty { kind: Limit::ScopeName, .. }
        | EffectError::Limit { kind: Limit::ScopeName, .. } => scopes::Error::InvalidScope(error.to_string()),
        // The attempt does not count, so there is nothing that the guest could decide.
        EffectError::Unavailable { .. } | EffectError::StaleFold { .. } => bail!("{error}"),
        error => scopes::Error::Other(error.to_string()),
    }))
}

/// Limits of the contract are 32 bits wide; a larger one is as good as the largest.
fn number(limit: u64) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX)
}
