//! How long an event waits for its next attempt.
//!
//! Exponential backoff with full jitter, after "Exponential Backoff And Jitter" (M. Brooker, 2015): a uniformly
//! random wait below `base` doubled with each attempt, capped.

use camshaft_event::Backoff;
use rand_chacha::rand_core::Rng;

/// The wait after the failed attempt number `attempt` (from 1), in milliseconds; at least 1.
pub(crate) fn wait_ms(backoff: Backoff, attempt: u32, random: &mut impl Rng) -> u64 {
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
