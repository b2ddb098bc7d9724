//! The decision about one command: it loads scopes and records facts.

use std::{cell::RefCell, fmt, ops::Deref};

use crate::{
    attempt::attempt_methods,
    codec::Encode,
    error::{Error, Result},
    evolve::Evolve,
    fold,
    host::{NewFact, Scopes},
    record::Record,
    scope::Scope,
};

/// The running decision, the second argument of a command's function: `ctx: &mut Decide`.
///
/// If the function returns `Ok`, the command, its facts, the new states of their scopes and the reply are
/// applied exactly once. Otherwise no fact is recorded; only log lines remain.
pub struct Decide {
    pub(crate) host: Box<dyn Scopes>,
    pub(crate) draft: RefCell<Draft>,
}

/// The facts of a decision that is not yet made.
#[derive(Default)]
pub(crate) struct Draft {
    /// The facts, in order.
    pub facts: Vec<NewFact>,
    /// The reason why one of them could not be recorded.
    pub failure: Option<String>,
}

impl Draft {
    /// Fails the decision, even if the author's code drops the error.
    pub fn fail(&mut self, reason: String) -> Error {
        let error = Error::reject(&reason);
        self.failure.get_or_insert(reason);
        error
    }
}

impl Decide {
    pub(crate) fn new(host: Box<dyn Scopes>) -> Self {
        Self { host, draft: RefCell::default() }
    }

    /// Returns the state of the scope with this id. None if the scope has no facts.
    ///
    /// The decision depends on the scope: if a parallel decision records a fact about it, the runtime decides
    /// this command again. The state does not contain the facts of this decision.
    ///
    /// ```standalone_crate
    /// # use camshaft_sdk::prelude::*;
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Default, Serialize, Deserialize)]
    /// # struct Account { cents: u64 }
    /// # #[scope("account")]
    /// # impl Evolve for Account {
    /// #     fn evolve(&mut self, _: &Fact) -> Result { Ok(()) }
    /// # }
    /// fn balance(ctx: &Decide, account: u64) -> Decided<u64> {
    ///     let account = ctx.load::<Account>(account)?.or_refuse("no-such-account")?;
    ///     Ok(account.cents)
    /// }
    /// ```
    ///
    /// # Errors
    /// A reject if the id is empty, if the decision loads too many scopes, or if the stored state cannot be
    /// decoded as `S`.
    pub fn load<S: Evolve>(&self, id: impl fmt::Display) -> Result<Option<Loaded<S>>> {
        let scope = Scope::of::<S>(id);
        let Some(fold) = self.host.load(&scope)? else { return Ok(None) };
        let state = fold::decode(&scope, &fold)?;
        Ok(Some(Loaded { scope, state }))
    }

    /// Returns the state of the scope with this id. If the scope has no facts, this is the default state.
    ///
    /// # Errors
    /// As for [`Decide::load`].
    pub fn load_or_new<S: Evolve>(&self, id: impl fmt::Display) -> Result<Loaded<S>> {
        let id = id.to_string();
        let loaded = self.load(&id)?;
        Ok(loaded.unwrap_or_else(|| Loaded { scope: Scope::of::<S>(id), state: S::default() }))
    }

    /// Begins a fact with `data` as JSON. Name the scopes that it is about:
    /// `ctx.record("student.subscribed", &data).about(&course).about(&student)?`. The first scope sets the
    /// subject and the ordering key.
    ///
    /// A fact that is about no scope fails the decision.
    pub fn record<'c, T: Encode + ?Sized>(&'c self, event_type: &str, data: &'c T) -> Record<'c, T> {
        Record::new(&self.draft, event_type, data)
    }

    attempt_methods!();

    /// The facts of the decision, at its end.
    pub(crate) fn into_facts(self) -> Result<Vec<NewFact>> {
        let draft = self.draft.into_inner();
        match draft.failure {
            None => Ok(draft.facts),
            Some(reason) => Err(Error::reject(reason)),
        }
    }
}

/// The state of a scope, as it was when the decision began.
pub struct Loaded<S> {
    scope: Scope,
    state: S,
}

impl<S> Deref for Loaded<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.state
    }
}

impl<S> AsRef<Scope> for Loaded<S> {
    fn as_ref(&self) -> &Scope {
        &self.scope
    }
}
