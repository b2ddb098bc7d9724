//! Runs the commands of an aggregate under `cargo test`, without WebAssembly.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{LogLine, attempt_inputs, memory::Memory, time::rfc3339};
use crate::{
    aggregate::{self, CommandType, Decision, ScopeKind},
    codec::{Decode, Encode},
    decide::{Decide, Loaded},
    error::{Error, Result},
    event::{Bytes, Event},
    evolve::{Evolve, Fact},
    host::{NewEvent, NewFact},
    publish::encoded,
    refusal::Decided,
    scope::Scope,
};

/// The aggregate of the crate, with its facts in memory.
///
/// [`TestAggregate::send`] decides a command as the runtime would, and applies its facts to the states of
/// their scopes. It fails if a state depends on how facts are divided into calls of `evolve`.
///
/// ```standalone_crate
/// use camshaft_sdk::{prelude::*, testing::TestAggregate};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Account {
///     cents: u64,
/// }
///
/// #[scope("account")]
/// impl Evolve for Account {
///     fn evolve(&mut self, fact: &Fact) -> Result {
///         match fact.event_type() {
///             "account.deposited" => self.cents += fact.data::<u64>()?,
///             "account.withdrawn" => self.cents -= fact.data::<u64>()?,
///             _ => {}
///         }
///         Ok(())
///     }
/// }
///
/// #[command("account.withdraw", scope = "account", records("account.withdrawn"))]
/// fn withdraw(command: Command<u64>, ctx: &mut Decide) -> Decided<u64> {
///     let account = ctx.load::<Account>(command.subject.as_deref().unwrap_or_default())?;
///     let account = account.or_refuse("no-such-account")?;
///     let left = account.cents.checked_sub(command.data).or_refuse("not-enough")?;
///     ctx.record("account.withdrawn", &command.data).about(&account)?;
///     Ok(left)
/// }
///
/// # fn main() -> Result {
/// let mut bank = TestAggregate::new().given("account.deposited", &500, ["account/9"]);
/// let withdraw = |cents: u64| {
///     Command { subject: Some("9".to_owned()), ..Command::new("account.withdraw", cents) }
/// };
/// let accepted = bank.send(withdraw(200)).unwrap();
/// assert_eq!(accepted.facts[0].event_type(), "account.withdrawn");
/// assert_eq!(accepted.reply::<u64>()?, 300);
/// assert_eq!(bank.load::<Account>(9)?.unwrap().cents, 300);
///
/// let declined = bank.send(withdraw(400)).unwrap_err();
/// assert_eq!(declined.refusal().unwrap().code, "not-enough");
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct TestAggregate {
    memory: Rc<Memory>,
    facts: Vec<Fact>,
    scopes: BTreeMap<Scope, Vec<Fact>>,
}

/// What an accepted command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The recorded facts, in order. Their extension `scopes` names the scopes that each is about.
    pub facts: Vec<Fact>,
    reply: Bytes,
}

impl Accepted {
    /// Decodes the reply. An empty one is `()`.
    ///
    /// # Errors
    /// If the reply cannot be decoded as `T`.
    pub fn reply<T: Decode>(&self) -> Result<T> {
        T::decode(None, self.reply.clone())
            .map_err(|reason| Error::reject(format_args!("the reply cannot be decoded: {reason}")))
    }
}

impl TestAggregate {
    /// Creates the aggregate without facts, at offset 0 and at 1970-01-01T00:00:00Z, with empty
    /// configuration.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    attempt_inputs!();

    /// Adds a fact that was recorded before, about the scopes with these names: `["course/c1"]`. Its type
    /// need not be one that a command records today.
    ///
    /// # Panics
    /// If a name is not valid, or the fact cannot be applied.
    #[must_use]
    pub fn given<'n, T: Encode + ?Sized>(
        mut self,
        event_type: &str,
        data: &T,
        about: impl IntoIterator<Item = &'n str>,
    ) -> Self {
        let about: Result<Vec<Scope>> = about.into_iter().map(str::parse).collect();
        let event = NewEvent { event_type: event_type.to_owned(), ..NewEvent::default() };
        let added =
            about.and_then(|about| self.record(vec![NewFact { event: encoded(event, data)?, about }]));
        if let Err(error) = added {
            panic!("the given fact `{event_type}` cannot be recorded: {error}");
        }
        self
    }

    /// Decides a command. If it is accepted, its facts are recorded; otherwise nothing changes. The next
    /// command has the next offset.
    ///
    /// # Errors
    /// The refusal or the error of the command's function. A reject if the runtime would reject the decision,
    /// or if a state depends on how facts are divided into calls of `evolve`.
    pub fn send<T: Encode>(&mut self, command: Event<T>) -> Decided<Accepted> {
        let (command, data) = command.with_data(());
        let bytes = data.encode(command.datacontenttype.as_deref()).map_err(Error::reject)?;
        let (command, ()) = command.with_data(Bytes(bytes));
        check_scope(&command.event_type)?;
        self.memory.facts.borrow_mut().cause = Some(command.clone());
        let outcome = aggregate::decide(command, Decide::new(Box::new(Rc::clone(&self.memory))))
            .and_then(|decision| self.accept(decision));
        let inputs = &mut *self.memory.facts.borrow_mut();
        inputs.cause = None;
        inputs.offset += 1;
        outcome
    }

    /// Returns the state of the scope with this id. None if the scope has no facts.
    ///
    /// # Errors
    /// As for [`Decide::load`].
    pub fn load<S: Evolve>(&self, id: impl std::fmt::Display) -> Result<Option<Loaded<S>>> {
        Decide::new(Box::new(Rc::clone(&self.memory))).load(id)
    }

    /// All facts, given and recorded, oldest first.
    #[must_use]
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// The lines logged so far, oldest first.
    #[must_use]
    pub fn logged(&self) -> Vec<LogLine> {
        self.memory.logged.borrow().clone()
    }

    fn accept(&mut self, Decision { facts, reply }: Decision) -> Decided<Accepted> {
        for fact in &facts {
            check_declared(&fact.event.event_type)?;
        }
        let facts = self.record(facts)?;
        Ok(Accepted { facts, reply: Bytes(reply) })
    }

    /// Records facts, and makes the new folds of their scopes.
    fn record(&mut self, facts: Vec<NewFact>) -> Result<Vec<Fact>> {
        let mut scopes = self.scopes.clone();
        let mut touched = BTreeSet::new();
        let mut recorded = Vec::new();
        for fact in facts {
            let number = self.facts.len() + recorded.len();
            let about = fact.about.clone();
            let fact = self.resolve(fact, &scopes, number)?;
            for scope in about {
                scopes.entry(scope.clone()).or_default().push(fact.clone());
                touched.insert(scope);
            }
            recorded.push(fact);
        }
        let mut folds = self.memory.folds.borrow().clone();
        for scope in touched {
            let earlier = self.scopes.get(&scope).map_or(0, Vec::len);
            let fold = evolved(&scope, folds.get(&scope).map(Vec::as_slice), &scopes[&scope], earlier)?;
            folds.insert(scope, fold);
        }
        *self.memory.folds.borrow_mut() = folds;
        self.scopes = scopes;
        self.facts.extend(recorded.iter().cloned());
        Ok(recorded)
    }

    /// The fact as the log would store it.
    fn resolve(&self, fact: NewFact, scopes: &BTreeMap<Scope, Vec<Fact>>, number: usize) -> Result<Fact> {
        let event_type = &fact.event.event_type;
        let [first, ..] = fact.about.as_slice() else {
            return Err(Error::reject(format_args!("fact `{event_type}` is about no scope")));
        };
        if let Some(scope) = fact.about.iter().find(|scope| scope.id().is_empty()) {
            return Err(Error::reject(format_args!(
                "fact `{event_type}` is about `{scope}`, whose id is empty"
            )));
        }
        let version = |scope: &Scope| scopes.get(scope).map_or(0, Vec::len) + 1;
        let names: Vec<String> =
            fact.about.iter().map(|scope| format!("{scope}@{}", version(scope))).collect();
        let mut event = fact.event;
        event.subject = Some(first.id().to_owned());
        event.partitionkey = Some(first.to_string());
        event.time.get_or_insert_with(|| rfc3339(self.memory.facts.borrow().now_ms));
        event.extensions.push(("scopes".to_owned(), names.join(" ")));
        Ok(self.memory.resolve(event, number)?.into())
    }
}

/// The fold after all facts of a scope, of which the first `earlier` are those of `state`. It has to be the
/// same however the facts are divided.
fn evolved(scope: &Scope, state: Option<&[u8]>, facts: &[Fact], earlier: usize) -> Result<Vec<u8>> {
    let whole = aggregate::evolve(scope, state, &facts[earlier..])?;
    let mut single = state.map(<[u8]>::to_vec);
    for fact in &facts[earlier..] {
        single = Some(aggregate::evolve(scope, single.as_deref(), std::slice::from_ref(fact))?);
    }
    if single.as_ref() != Some(&whole) || aggregate::evolve(scope, None, facts)? != whole {
        return Err(Error::reject(format_args!(
            "the fold of `{scope}` depends on how its facts are divided into calls, or differs from run to run; \
             `evolve` may use only the facts and the state, and all of the state must be serialized, in an order \
             of its own"
        )));
    }
    Ok(whole)
}

/// Refuses a command whose scope has no state type.
fn check_scope(command: &str) -> Result {
    let mut kinds = inventory::iter::<ScopeKind>.into_iter();
    let named = inventory::iter::<CommandType>.into_iter().find(|known| known.name == command);
    match named {
        Some(named) if !kinds.any(|kind| kind.name == named.scope) => {
            let scope = named.scope;
            Err(Error::reject(format_args!(
                "`{command}` has the scope \"{scope}\", but the plugin has no `#[scope(\"{scope}\")]`"
            )))
        }
        _ => Ok(()),
    }
}

/// Refuses a fact whose type no command declares.
fn check_declared(event_type: &str) -> Result {
    let mut declared = inventory::iter::<CommandType>.into_iter().flat_map(|command| command.records);
    if declared.any(|declared| *declared == event_type) {
        return Ok(());
    }
    Err(Error::reject(format_args!(
        "`{event_type}` is recorded but not declared. Add `records(\"{event_type}\")` to the command's attribute."
    )))
}
