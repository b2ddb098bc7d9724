//! Whatever happens, in whatever order, every promise holds at once: many runs of random acts, each checked against
//! a model that is far simpler than the engine, since it only reads the log that came of it.

mod acts;
mod model;
mod redrives;

use std::collections::BTreeSet;

use acts::Run;

/// Runs, and acts in each. A failure names its seed.
const SEEDS: u64 = 200;
const ACTS: usize = 400;

#[test]
fn all_promises_hold_through_random_acts() {
    let mut seen = BTreeSet::new();
    for seed in 0..SEEDS {
        let outcome = std::panic::catch_unwind(|| {
            let mut run = Run::new(seed);
            (0..ACTS).for_each(|_| run.act());
            run.end()
        });
        match outcome {
            Ok(in_this_run) => seen.extend(in_this_run),
            Err(panic) => {
                println!("seed {seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    // Chance must have brought about what the promises are for.
    let expected = [
        "at the bound",
        "conflict",
        "dead letter",
        "duplicate",
        "fired",
        "gap",
        "hops",
        "job cancelled",
        "job counts dead again",
        "job counts handled",
        "job done",
        "job finds some gone",
        "job goes on after a crash",
        "lagging",
        "on trial",
        "parked",
        "passed",
        "paused by hand",
        "removed",
        "reset",
        "stale",
        "throttled",
        "too many timers",
        "trimmed",
    ];
    let missing: Vec<_> = expected.into_iter().filter(|what| !seen.contains(what)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?}");
}

#[test]
fn one_seed_makes_one_log() {
    let log = |seed| {
        let mut run = Run::new(seed);
        (0..ACTS).for_each(|_| run.act());
        run.history().iter().map(camshaft_event::Transaction::encode).collect::<Vec<_>>()
    };
    assert_eq!(log(7), log(7));
    assert_ne!(log(7), log(8));
}
