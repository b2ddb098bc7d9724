//! What the engine promises, one promise a file. All of it runs on one thread, in memory, on a clock that
//! stands still, and is the same in every run; the harness does step by step what the runtime's threads do.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod promises {
    mod harness;

    mod account;
    mod aggregates;
    mod batches;
    mod bounds;
    mod breaker;
    mod checkpoints;
    mod commands;
    mod correcting;
    mod damage;
    mod dead_letters;
    mod dedupe;
    mod due_times;
    mod durability;
    mod exactly_once;
    mod failed_effects;
    mod fairness;
    mod filters;
    mod gaps;
    mod guest_input;
    mod held_events;
    mod held_keys;
    mod history;
    mod hops;
    mod lagging;
    mod lifecycle;
    mod listing;
    mod notices;
    mod operating;
    mod order;
    mod parking;
    mod pausing;
    mod probation;
    mod ranges;
    mod rate;
    mod readiness;
    mod redrive_jobs;
    mod resetting;
    mod retention;
    mod retry;
    mod serializable;
    mod setting_the_clock;
    mod shortages;
    mod sinks;
    mod snapshots;
    mod state_size;
    mod stuck;
    mod suspects;
    mod sweeping;
    mod system_events;
    mod timers;
    mod trimming;
}
