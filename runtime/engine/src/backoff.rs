//! How long an event waits for its next attempt.
//!
//! Exponential backoff with full jitter, after "Exponential Backoff And Jitter" (M. Brooker, 2015): a
//! uniformly random wait below `base` doubled with each attempt, capped.

use camshaft_event::{Backoff, Policy};
use camshaft_sabotage::{Sabotage, is_on};
use rand_chacha::rand_core::Rng;

/// How long an event of `age_ms` since its first attempt waits after the failed attempt number `attempt`, in
/// milliseconds: as long as the policy's backoff says and as its handler asks, whichever is longer, and no
/// longer than until `max_age` has passed. One that is older already, since its attempts do not count, waits
/// for the backoff alone.
pub(crate) fn next_wait_ms(
    policy: &Policy,
    asked_ms: Option<u64>,
    age_ms: u64,
    attempt: u32,
    random: &mut impl Rng,
) -> u64 {
    let backoff_ms = wait_ms(policy.backoff, attempt, random);
    let asked_ms = match asked_ms {
        Some(asked_ms) if is_on(Sabotage::AskReplacesBackoff) => return asked_ms,
        asked_ms => asked_ms.unwrap_or_default(),
    };
    let left_ms = policy.max_age_ms.saturating_sub(age_ms);
    match backoff_ms.max(asked_ms) {
        wanted_ms if is_on(Sabotage::WaitAsLongAsAsked) => wanted_ms,
        _ if left_ms == 0 => backoff_ms,
        wanted_ms => wanted_ms.min(left_ms),
    }
}

/// The wait after the failed attempt number `attempt` (from 1), in milliseconds; at least 1.
fn wait_ms(backoff: Backoff, attempt: u32, random: &mut impl Rng) -> u64 {
    let doubled = 1u64.checked_shl(attempt.saturating_sub(1)).unwrap_or(u64::MAX);
    let ceiling = backoff.base_ms.saturating_mul(doubled).min(backoff.max_ms);
    // The bias of the remainder is below 2^-30 for any wait shorter than a century.
    1 + random.next_u64() % ceiling.max(1)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn what_a_handler_asks_is_a_minimum_within_the_age_that_an_event_may_have() {
        let backoff = Backoff { base_ms: 100, max_ms: 60_000 };
        let policy = Policy { max_age_ms: 10_000, backoff, ..Policy::default() };
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut wait = |asked_ms, age_ms| next_wait_ms(&policy, asked_ms, age_ms, 1, &mut random);
        assert_eq!(wait(Some(7_000), 0), 7_000);
        assert_eq!(wait(Some(u64::MAX), 0), 10_000, "no later than its greatest age");
        assert_eq!(wait(Some(7_000), 9_999), 1, "of which one millisecond is left");
        assert!((1..=100).contains(&wait(Some(0), 0)), "no sooner than the backoff");
        assert!((1..=100).contains(&wait(None, 0)));
        assert!((1..=100).contains(&wait(Some(u64::MAX), 10_000)), "it is too old, and tried all the same");
    }

    #[test]
    fn waits_double_up_to_the_cap_and_spread_over_the_whole_range() {
        let backoff = Backoff { base_ms: 100, max_ms: 1_000 };
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for (attempt, ceiling) in [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1_000), (90, 1_000)] {
            let waits: Vec<u64> = (0..500).map(|_| wait_ms(backoff, attempt, &mut random)).collect();
            assert!(waits.iter().all(|wait| (1..=ceiling).contains(wait)), "attempt {attempt}");
            assert!(waits.iter().any(|wait| *wait < ceiling / 4), "attempt {attempt} never waits briefly");
            assert!(waits.iter().any(|wait| *wait > ceiling * 3 / 4), "attempt {attempt} never waits long");
        }
    }
}
