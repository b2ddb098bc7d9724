//! Closures that own commands: the facts that they record, the scopes of their commands, and their folds.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use camshaft_engine::Attempt;
use camshaft_event::{Answer, AttemptContext, Event, Role, Scope, TypePattern, reserved};

use super::{Commands, Failure, SubscribeError, Subscription, answer};
use crate::compose::Evolve;

/// What an owner of commands declares beside their types.
#[derive(Clone, Default)]
pub(super) struct Owned {
    records: Vec<String>,
    scopes: BTreeMap<String, String>,
    evolve: Option<Evolve>,
}

impl Owned {
    /// The closure that makes folds.
    pub(super) fn evolve(&self) -> Option<Evolve> {
        self.evolve.clone()
    }

    fn is_empty(&self) -> bool {
        self.records.is_empty() && self.scopes.is_empty() && self.evolve.is_none()
    }
}

impl fmt::Debug for Owned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owned")
            .field("records", &self.records)
            .field("scopes", &self.scopes)
            .field("evolves", &self.evolve.is_some())
            .finish()
    }
}

impl Subscription {
    /// Lets an owner of commands record facts of these exact types with
    /// [`AttemptContext::record`](crate::AttemptContext::record). No other consumer and no producer may
    /// publish events of these types. A decision that records facts needs [`Subscription::evolve`], or calls
    /// [`AttemptContext::fold_facts`](crate::AttemptContext::fold_facts) itself.
    #[must_use]
    pub fn records<T: Into<String>>(mut self, fact_types: impl IntoIterator<Item = T>) -> Self {
        self.owned.records.extend(fact_types.into_iter().map(Into::into));
        self
    }

    /// Declares the scope that commands of a type are about: of this kind, with the command's subject as id.
    /// `If-Match` and [`Runtime::expect`](crate::Runtime::expect) mean this scope.
    #[must_use]
    pub fn scope(mut self, command_type: impl Into<String>, kind: impl Into<String>) -> Self {
        self.owned.scopes.insert(command_type.into(), kind.into());
        self
    }

    /// Sets the function that makes the fold of a scope from its fold so far, `None` at first, and the facts
    /// after it. It must depend on nothing else. The runtime calls it after each decision that recorded
    /// facts, and to show a scope at an earlier version.
    ///
    /// ```
    /// use camshaft::Subscription;
    ///
    /// let account = Subscription::commands(["account.deposit"])
    ///     .records(["account.deposited"])
    ///     .scope("account.deposit", "account")
    ///     .evolve(|_, fold, facts| {
    ///         let before = fold.map_or(Ok(0), serde_json::from_slice::<usize>)?;
    ///         Ok(serde_json::to_vec(&(before + facts.len()))?)
    ///     });
    /// ```
    #[must_use]
    pub fn evolve(
        mut self,
        evolve: impl Fn(&Scope, Option<&[u8]>, &[Event]) -> Result<Vec<u8>, Failure> + Send + Sync + 'static,
    ) -> Self {
        let evolve: Evolve =
            Arc::new(move |scope, fold, facts| evolve(scope, fold, facts).map_err(|Failure(answer)| answer));
        self.owned.evolve = Some(evolve);
        self
    }
}

/// Makes the folds of the scopes that a decision recorded facts about.
pub(super) fn fold(attempt: &mut Attempt, evolve: &Evolve) -> Answer {
    let folded =
        attempt.fold_facts(&mut |touched| evolve(&touched.scope, touched.fold.as_deref(), &touched.facts));
    answer(folded.map_err(Failure))
}

/// The role of a closure.
pub(super) fn role(name: &str, wanted: &Subscription, types: &[TypePattern]) -> Result<Role, SubscribeError> {
    if wanted.commands != Commands::Decides && !wanted.owned.is_empty() {
        return Err(SubscribeError::FactsOfHandler { name: name.to_owned() });
    }
    if wanted.commands == Commands::None {
        return Ok(Role::Handler);
    }
    if wanted.commands == Commands::Decides && wanted.policy.sink.is_some() {
        return Err(SubscribeError::CommandsOfSink { name: name.to_owned() });
    }
    if wanted.commands == Commands::Decides && wanted.filter.is_some() {
        return Err(SubscribeError::FilteredCommands { name: name.to_owned() });
    }
    let mut commands = Vec::with_capacity(types.len());
    for pattern in types {
        let pattern_error = || SubscribeError::CommandPattern { command_type: pattern.as_str().to_owned() };
        commands.push(pattern.exact().ok_or_else(pattern_error)?.to_owned());
    }
    if wanted.commands == Commands::Receives {
        return Ok(Role::Handler);
    }
    aggregate(name, commands, &wanted.owned)
}

/// The role of an owner of these commands.
fn aggregate(name: &str, commands: Vec<String>, owned: &Owned) -> Result<Role, SubscribeError> {
    for fact_type in &owned.records {
        let pattern: TypePattern = fact_type.parse()?;
        if pattern.exact().is_none() {
            return Err(SubscribeError::FactPattern { fact_type: fact_type.clone() });
        }
    }
    if let Some(event_type) = commands.iter().chain(&owned.records).find(|name| reserved::is_type(name)) {
        return Err(SubscribeError::ReservedType { event_type: event_type.clone() });
    }
    for (command_type, kind) in &owned.scopes {
        if !commands.contains(command_type) {
            let (name, command_type) = (name.to_owned(), command_type.clone());
            return Err(SubscribeError::ScopeOfOther { name, command_type });
        }
        // Any id shows whether the kind is valid.
        Scope::new(kind, "1")?;
    }
    Ok(Role::Aggregate { commands, records: owned.records.clone(), scopes: owned.scopes.clone() })
}
