//! Who runs what is taken of a consumer.

use camshaft_event::Policy;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Executor {
    /// Worker threads, which stay with a batch until it ends.
    Workers,
    /// Tasks, which may wait for something outside.
    Sinks,
}

impl Executor {
    /// The executor of a consumer with this policy.
    pub(crate) fn of(policy: &Policy) -> Self {
        if policy.sink.is_some() { Self::Sinks } else { Self::Workers }
    }
}
