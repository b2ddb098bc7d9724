//! The engine's bounds, all of them settings with a default.

/// What the engine lets grow, and how far.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Encoded size of one transaction, in bytes (`limits.max_transaction_bytes`).
    pub max_transaction_bytes: usize,
    /// What may be kept for one attempt while it runs: reads, effects, log lines, with their bookkeeping
    /// (`limits.max_attempt_bytes`).
    pub max_attempt_bytes: usize,
    /// Size of one event, in bytes (`limits.max_event_bytes`).
    pub max_event_bytes: usize,
    /// Longest state key, in bytes; what the embedded store can hold.
    pub max_state_key_bytes: usize,
    /// Longest timer name, in bytes.
    pub max_timer_name_bytes: usize,
    /// Size of one state value, in bytes (`limits.max_state_value_bytes`).
    pub max_state_value_bytes: usize,
    /// Keys and values of one consumer's state, in bytes (`limits.max_state_bytes`).
    pub max_state_bytes: u64,
    /// Events that one attempt may publish or schedule (`limits.max_published_events`).
    pub max_published_events: usize,
    /// Size of the answer to one command, in bytes (`limits.max_answer_bytes`).
    pub max_answer_bytes: usize,
    /// Size of one fold, in bytes (`limits.max_fold_bytes`).
    pub max_fold_bytes: usize,
    /// Scopes that one decision reads or records about (`limits.max_scopes`).
    pub max_scopes: usize,
    /// Length of the name of a scope, in bytes (`limits.max_scope_bytes`).
    pub max_scope_bytes: usize,
    /// Facts in the log and beyond its retention, in bytes (`limits.max_kept_bytes`).
    pub max_kept_bytes: u64,
    /// Longest chain of causes (`limits.max_hops`).
    pub max_hops: u32,
    /// Timers that one consumer may have set (`limits.max_timers`).
    pub max_timers: usize,
    /// Held events and dead letters of one consumer (`limits.max_held_events`).
    pub max_held_events: usize,
    /// The same in bytes (`limits.max_held_bytes`).
    pub max_held_bytes: usize,
    /// Bytes that may be sequenced but not yet durable; then workers and publishers wait.
    pub max_unsynced_bytes: usize,
    /// Bytes of changes in memory that no snapshot holds yet; beyond it workers and publishers wait for the
    /// flusher.
    pub max_overlay_bytes: usize,
    /// Events in one batch.
    pub batch_events: usize,
    /// Handler time after which a batch takes no further event, in microseconds.
    pub batch_us: u64,
    /// Events routed to one consumer and not yet handled; beyond it the consumer reads the log itself.
    pub window_events: usize,
    /// The same in bytes.
    pub window_bytes: usize,
    /// Worker threads; the last free one goes to a consumer that runs no batch, if such a one is ready.
    pub workers: usize,
    /// Calls of all sinks together that may be under way.
    pub max_calls: usize,
    /// How long a detached consumer pins the log, in milliseconds.
    pub detached_retention_ms: u64,
    /// Events after which a new version is no longer on probation; by so many of its last ones a version is
    /// measured.
    pub probation_events: u32,
    /// Time after which it is no longer, in milliseconds.
    pub probation_ms: u64,
    /// Events before which it is not rolled back.
    pub probation_least_events: u32,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            max_transaction_bytes: 4 << 20,
            max_attempt_bytes: 32 << 20,
            max_event_bytes: 1 << 20,
            max_state_key_bytes: 1_900,
            max_timer_name_bytes: 256,
            max_state_value_bytes: 1 << 20,
            max_state_bytes: 10 << 30,
            max_published_events: 1_000,
            max_answer_bytes: 16 << 10,
            max_fold_bytes: 64 << 10,
            max_scopes: 16,
            max_scope_bytes: 200,
            max_kept_bytes: 10 << 30,
            max_hops: 100,
            max_timers: 100_000,
            max_held_events: 100_000,
            max_held_bytes: 256 << 20,
            max_unsynced_bytes: 16 << 20,
            max_overlay_bytes: 128 << 20,
            batch_events: 64,
            batch_us: 2_000,
            window_events: 4_096,
            window_bytes: 8 << 20,
            workers: 1,
            max_calls: 128,
            detached_retention_ms: 7 * 24 * 60 * 60 * 1000,
            probation_events: 1_000,
            probation_ms: 60_000,
            probation_least_events: 20,
        }
    }
}
