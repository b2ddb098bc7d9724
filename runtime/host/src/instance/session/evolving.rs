//! The session while the guest is in `evolve`: it has no context, so every import but log lines traps.

use camshaft_event::{AttemptContext, LogLevel};

use super::Session;

/// What the session keeps of an attempt whose context it lent out.
#[derive(Default)]
pub struct Evolving {
    /// Log lines, until the context is back. [`GuestLog`](super::GuestLog) bounds their number and length.
    pub lines: Vec<Line>,
    /// Bytes that the runtime keeps for the attempt.
    pub kept_bytes: usize,
}

/// Level, message and fields of a log line.
pub type Line = (LogLevel, String, Vec<(String, String)>);

impl<C: AttemptContext + Send> Session<C> {
    /// The guest has decided, and makes folds from now on. Returns the attempt's context, which the caller
    /// gives back to [`Session::end_evolving`].
    pub fn begin_evolving(&mut self) -> C {
        let kept_bytes = self.kept_bytes();
        self.evolving = Some(Evolving { kept_bytes, ..Evolving::default() });
        self.memory.forget_denied();
        self.context.take().expect("an attempt that decided has begun with a context")
    }

    /// The folds are made, and the context is back.
    pub fn end_evolving(&mut self, mut context: C) {
        let Evolving { lines, .. } = self.evolving.take().unwrap_or_default();
        for (level, message, fields) in lines {
            context.log(level, &message, &fields);
        }
        self.context = Some(context);
    }

    /// The guest makes a fold outside any attempt. The call is late after this number of ticks.
    pub fn begin_evolving_alone(&mut self, deadline_ticks: u64) {
        self.reset(deadline_ticks);
        self.evolving = Some(Evolving::default());
    }

    /// The fold is made. Its log lines are dropped.
    pub fn end_evolving_alone(&mut self) {
        self.flush_streams();
        self.evolving = None;
    }
}
