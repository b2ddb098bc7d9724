//! A seed is a run, to the byte: else a failure could not be replayed.

use camshaft_sim::{Fault, Trace, simulate};

#[test]
fn the_same_seed_gives_the_same_log_tables_and_faults() {
    for seed in 0..4 {
        let first = simulate(seed, None, Trace::Off).expect("the promises are kept");
        let second = simulate(seed, None, Trace::Off).expect("the promises are kept");
        assert_eq!(first, second, "seed {seed}");
    }
}

#[test]
fn other_seeds_give_other_runs() {
    let [one, other] = [5, 6].map(|seed| simulate(seed, None, Trace::Off).expect("the promises are kept"));
    assert_ne!(one.digest, other.digest);
}

#[test]
fn a_run_is_long_enough_to_mean_something() {
    let summary = simulate(7, None, Trace::Off).expect("the promises are kept");
    assert!(summary.events >= 200, "{} events", summary.events);
    assert!(summary.faults.count(Fault::Kill) + summary.faults.count(Fault::PowerLoss) >= 1);
}

#[test]
fn promises_are_kept_with_the_debug_assertions_that_a_release_lacks() {
    for seed in 100..130 {
        simulate(seed, None, Trace::Off).unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
    }
}
