//! The limits that a guest, a client or a peer can reach: what each measures, and which setting raises it.
//!
//! Every crate that enforces a limit names it by its [`Limit`], so code distinguishes limits without
//! comparing texts. The code that checks a limit knows its value. The bounds on the structure of a plugin's
//! file are not limits in this sense; OPERATING lists them.

use std::fmt;

/// How a limit is raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RaisedBy {
    /// A setting of the runtime.
    Setting(&'static str),
    /// A key of the plugin's manifest, which the operator's file overrides.
    Manifest(&'static str),
    /// The limit cannot be raised.
    Fixed,
}

impl fmt::Display for RaisedBy {
    /// The form used in messages, such as ``setting `limits.max_hops` `` or `fixed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(key) | Self::Manifest(key) => write!(f, "setting `{key}`"),
            Self::Fixed => f.write_str("fixed"),
        }
    }
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $measured:literal, $raised_by:expr;)+) => {
        /// A limit that a guest, a client or a peer can reach.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Limit {
            $($(#[$doc])* $name,)+
        }

        impl Limit {
            /// Every limit.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// What the limit measures, as messages name it.
            #[must_use]
            pub const fn measured(self) -> &'static str {
                match self { $(Self::$name => $measured,)+ }
            }

            /// How the limit is raised.
            #[must_use]
            pub const fn raised_by(self) -> RaisedBy {
                match self { $(Self::$name => $raised_by,)+ }
            }
        }
    };
}

use RaisedBy::{Fixed, Manifest, Setting};

limits! {
    /// A key of the state, or the prefix of a scan.
    StateKey = "state key length in bytes", Fixed;
    /// The name of a timer.
    TimerName = "timer name length in bytes", Fixed;
    /// A value of the state.
    StateValue = "state value size in bytes", Setting("limits.max_state_value_bytes");
    /// The whole state of one plugin.
    State = "the size of the state (keys and values) in bytes", Setting("limits.max_state_bytes");
    /// Events that one attempt publishes, including those of its timers.
    PublishedEvents = "the number of events one attempt publishes", Setting("limits.max_published_events");
    /// One event.
    Event = "the size of one event in bytes", Setting("limits.max_event_bytes");
    /// Extensions of one event.
    Extensions = "the number of extensions of one event", Fixed;
    /// One transaction: the effects of an attempt, or a batch of published events.
    Transaction = "the size of one attempt's effects in bytes", Setting("limits.max_transaction_bytes");
    /// Timers of one consumer.
    Timers = "the number of timers that are set", Setting("limits.max_timers");
    /// Everything that an attempt reads, writes, publishes and logs.
    Attempt = "the memory kept for one attempt in bytes", Setting("limits.max_attempt_bytes");
    /// An instance, with the data that the runtime keeps for its attempt.
    Memory = "the memory of the instance and its attempt in bytes",
        Manifest("limits.memory");
    /// The answer to one command: the reply, or code, message and data of a refusal.
    Answer = "the size of one answer in bytes", Setting("limits.max_answer_bytes");
    /// The fold of one scope.
    Fold = "the size of one fold in bytes", Setting("limits.max_fold_bytes");
    /// Scopes that one decision reads or records about.
    Scopes = "the number of scopes of one decision", Setting("limits.max_scopes");
    /// The name of a scope.
    ScopeName = "scope name length in bytes", Setting("limits.max_scope_bytes");
    /// Facts in the log and beyond its retention.
    Kept = "the size of all facts in bytes", Setting("limits.max_kept_bytes");
    /// Events that follow from one another.
    Hops = "the number of hops in a chain of events", Setting("limits.max_hops");
    /// The running time of one attempt.
    Deadline = "the running time of one attempt in milliseconds", Manifest("limits.deadline");
    /// The stack of one call.
    Stack = "the stack of one call in bytes", Setting("limits.max_stack");
    /// Log lines of one attempt.
    LogLines = "the number of lines that one attempt logs", Setting("limits.max_log_lines");
    /// The text of the log lines of one attempt.
    LogText = "the text that one attempt logs in bytes", Fixed;
    /// Outgoing requests of one call.
    Requests = "the number of requests that one call sends", Fixed;
    /// Instances of all plugins.
    Instances = "the number of plugin instances", Setting("limits.max_instances");
    /// A plugin's file.
    PluginFile = "the size of a plugin's file in bytes", Setting("limits.max_plugin_bytes");
    /// The memory of the process that compiles a plugin.
    CompileMemory = "the memory for compiling in bytes", Setting("limits.max_compile_memory");
    /// The processor time of that process.
    CompileTime = "the processor time for compiling in milliseconds", Setting("limits.max_compile_time");
    /// The deadline that the manifest of a handler sets.
    HandlerDeadline = "the deadline of a handler in milliseconds", Setting("limits.max_deadline");
    /// The deadline that the manifest of a sink sets.
    SinkDeadline = "the deadline of a sink in milliseconds", Setting("limits.max_sink_deadline");
    /// The memory that a manifest sets.
    InstanceMemory = "the memory of an instance in bytes", Setting("limits.max_memory");
    /// The body of a request to the runtime.
    Request = "the size of a request in bytes", Setting("limits.max_request_bytes");
    /// Requests that are served at a time. Requests that follow the log may use half of them.
    Connections = "the number of requests served at a time", Setting("limits.max_connections");
    /// Memory for the data of clients' requests and answers, a share of the memory of the process.
    ClientMemory = "the memory for requests and answers in bytes", Setting("memory");
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.measured())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::EffectError;

    #[test]
    fn each_limit_says_what_it_measures_and_what_raises_it() {
        for &kind in Limit::ALL {
            let said = EffectError::Limit { kind, actual: 6, limit: 5 }.to_string();
            let end = match kind.raised_by() {
                Setting(key) | Manifest(key) => format!("(setting `{key}`)"),
                Fixed => "(fixed)".to_owned(),
            };
            assert_eq!(said, format!("{}: 6 exceeds the limit of 5 {end}", kind.measured()));
        }
        let measured: BTreeSet<&str> = Limit::ALL.iter().map(|limit| limit.measured()).collect();
        assert_eq!(measured.len(), Limit::ALL.len(), "two limits measure the same");
    }
}
