//! Calling an aggregate: it decides a command, then makes the folds of the scopes that its facts are about.
//!
//! `evolve` runs without the attempt's context, so it can read and change nothing. That is how the host holds
//! it to its arguments.

use camshaft_event::{Answer, AttemptContext, EffectError, Event, FailureCause, InstanceReuse, Scope};

use super::{
    EventView, Instance,
    call::bounded,
    decision::{Decision, Fact, ScopeView},
    exports::{DecideFn, EvolveFn, Exports},
    failure,
};

/// Facts of one call of `evolve`.
const MAX_FACTS: usize = 256;

impl<C: AttemptContext + Send + 'static> Instance<C> {
    /// Lets the aggregate decide `command`. The answer, the facts and the new folds are in the context
    /// afterwards, unless the attempt failed.
    pub(super) fn decide(&mut self, (decide, evolve): (DecideFn, EvolveFn), command: &Event) -> Answer {
        let outcome = decide.call(&mut self.store, (EventView::of(command),));
        if let Some(reason) = self.store.data_mut().take_refusal() {
            return Answer::Reject { reason };
        }
        let answered = match outcome {
            Ok((Ok(Ok(decision)),)) => self.accept(evolve, decision),
            Ok((Ok(Err(refusal)),)) => {
                self.store.data_mut().attempt().answer(Err(refusal.into())).map_err(refused)
            }
            Ok((Err(disposition),)) => Err(disposition.into_answer()),
            Err(error) => Err(failure::explain("the aggregate", &error, self.store.data(), self.deadline_ms)),
        };
        answered.err().unwrap_or(Answer::Done)
    }

    fn accept(&mut self, evolve: EvolveFn, Decision { facts, reply }: Decision) -> Result<(), Answer> {
        record(self.store.data_mut().attempt(), facts, reply)?;
        let mut context = self.store.data_mut().begin_evolving();
        let made = context.fold_facts(&mut |touched| {
            let fold = self.fold(evolve, &touched.scope, touched.fold.as_deref(), &touched.facts);
            fold.map_err(|answer| rejected(&touched.scope, answer))
        });
        self.store.data_mut().end_evolving(context);
        made
    }

    /// The fold of `scope` after `facts`, made in calls of bounded size.
    fn fold(
        &mut self,
        evolve: EvolveFn,
        scope: &Scope,
        fold: Option<&[u8]>,
        facts: &[Event],
    ) -> Result<Vec<u8>, Answer> {
        let mut chunks = facts.chunks(MAX_FACTS);
        let mut made = self.evolve_once(evolve, scope, fold, chunks.next().unwrap_or_default())?;
        for facts in chunks {
            made = self.evolve_once(evolve, scope, Some(&made), facts)?;
        }
        Ok(made)
    }

    fn evolve_once(
        &mut self,
        evolve: EvolveFn,
        scope: &Scope,
        fold: Option<&[u8]>,
        facts: &[Event],
    ) -> Result<Vec<u8>, Answer> {
        let id = scope.id();
        let facts: Vec<EventView> = facts.iter().map(EventView::of).collect();
        match evolve.call(&mut self.store, (ScopeView::of(scope, &id), fold, &facts)) {
            Ok((Ok(fold),)) => Ok(fold),
            Ok((Err(disposition),)) => Err(disposition.into_answer()),
            Err(error) => Err(failure::explain("`evolve`", &error, self.store.data(), self.deadline_ms)),
        }
    }

    /// Makes the fold of `scope` after `facts`, which follow those of `fold`, by one call of `evolve` outside
    /// any attempt. The plugin's deadline limits the call. Its log lines are dropped.
    ///
    /// # Errors
    /// The failure of `evolve`. The instance is spent then.
    ///
    /// # Panics
    /// If the instance is spent, or the plugin is not an aggregate: that is the caller's mistake, not the
    /// guest's.
    pub fn evolve(&mut self, scope: &Scope, fold: Option<&[u8]>, facts: &[Event]) -> Result<Vec<u8>, Answer> {
        assert!(!self.spent, "a spent instance must be dropped, not called");
        let Exports::Aggregate(_, evolve) = self.exports else { panic!("only an aggregate has folds") };
        // An instance that unwinds from here on must not look usable.
        self.spent = true;
        self.store.data_mut().begin_evolving_alone(self.deadline_ticks);
        self.store.set_epoch_deadline(self.deadline_ticks);
        let made = self.evolve_once(evolve, scope, fold, facts);
        let session = self.store.data_mut();
        session.end_evolving_alone();
        self.spent = made.is_err() || self.reuse == InstanceReuse::Fresh || session.has_open_work();
        made
    }
}

/// Puts facts and reply into the attempt.
fn record<C: AttemptContext>(context: &mut C, facts: Vec<Fact>, reply: Vec<u8>) -> Result<(), Answer> {
    for fact in facts {
        let fact = fact.into_new_fact().map_err(refused)?;
        context.record(fact).map_err(refused)?;
    }
    context.answer(Ok(reply)).map_err(refused)
}

/// The answer of an attempt that ended with a refused effect. The context, which knows the effect, decides
/// what becomes of the command.
fn refused(error: EffectError) -> Answer {
    Answer::Reject { reason: bounded(error.to_string()) }
}

/// The answer for a command whose facts `evolve` cannot fold: no fact is stored that its own code cannot
/// read. A deadline may be met by another attempt.
fn rejected(scope: &Scope, answer: Answer) -> Answer {
    let why = match answer {
        Answer::Done | Answer::Failed { cause: FailureCause::Deadline, .. } => return answer,
        Answer::Retry { reason, .. } | Answer::Reject { reason } => reason,
        Answer::Failed { error, .. } => error,
    };
    Answer::Reject {
        reason: bounded(format!(
            "`evolve` failed on the facts that were just decided, for scope \"{scope}\": {why}"
        )),
    }
}
