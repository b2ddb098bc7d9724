//! What a log must tell of scopes: each fact counts in the version of each of its scopes, a fold is what all
//! facts of a scope add up to, and a decision is made at the versions that its sender expects.

use std::collections::BTreeMap;

use camshaft_event::transaction::{Handled, Outcome, Refolded};
use camshaft_event::{
    CommandOutcome, ConsumerId, Event, Offset, Scope, ScopeFacts, ScopeVersion, StoredScope, expectations,
};

use super::commands::is_expired;
use super::{Known, Model};
use crate::accounts::{self, MOVED, is_account};

/// The facts of one scope, in order: their offsets and their ids.
type Facts = Vec<(Offset, String)>;

/// What the model knows of an aggregate's scopes. They outlive its generations.
#[derive(Default)]
pub(crate) struct Scopes {
    facts: BTreeMap<Scope, Facts>,
    /// Folds that were made again.
    pub(crate) refolded: u64,
}

impl Scopes {
    pub(crate) fn version(&self, scope: &Scope) -> u64 {
        self.facts.get(scope).map_or(0, Vec::len) as u64
    }

    /// All facts with their places: scope, version and offset.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Scope, u64, Offset)> {
        let of = |(scope, facts): (_, &Facts)| {
            let offsets: Vec<Offset> = facts.iter().map(|(offset, _)| *offset).collect();
            (1..).zip(offsets).map(move |(version, offset)| (scope, version, offset))
        };
        self.facts.iter().flat_map(of)
    }

    /// The stored value of a scope with all its facts, folded by code of this revision.
    fn stored(&self, scope: &Scope, revision: u64) -> Option<StoredScope> {
        let facts = self.facts.get(scope)?;
        let (last_fact, _) = facts.last()?;
        let fold = accounts::fold(revision, None, facts.iter().map(|(_, id)| id.as_str()));
        Some(StoredScope { version: facts.len() as u64, last_fact: *last_fact, revision, fold })
    }

    /// A fact was recorded at `offset`.
    fn add(&mut self, fact: &Event, offset: Offset) {
        let named = fact.extension("scopes").expect("a fact names its scopes");
        let named = ScopeVersion::parse_list(named).expect("the runtime writes scopes");
        let first = named.first().expect("a fact has a scope");
        assert_eq!(fact.partitionkey.as_deref(), Some(first.scope.name()), "the key of fact {offset}");
        assert_eq!(fact.subject, Some(first.scope.id()), "the subject of fact {offset}");
        for ScopeVersion { scope, version } in named {
            let facts = self.facts.entry(scope).or_default();
            facts.push((offset, fact.id.clone()));
            assert_eq!(version, facts.len() as u64, "the version of a scope after fact {offset}");
        }
    }
}

impl Model {
    /// The owner of commands has handled one. `first` is where its events lie.
    pub(super) fn scopes_handled(&mut self, handled: &Handled, first: Offset) {
        let event = self.events.get(handled.cause.0 as usize).expect("the log has the cause");
        let known = self.consumers.get_mut(&handled.consumer).expect("the consumer that handles is known");
        if handled.command.is_some() {
            known.check_expected(handled, event);
        }
        if handled.outcome != Outcome::Done {
            return;
        }
        for (event, offset) in handled.events.iter().zip(first.0..) {
            if event.event_type == MOVED {
                known.scopes.add(event, Offset(offset));
            }
        }
        let revision = self.activations.get(&handled.activation).map_or(0, |known| known.state_revision);
        known.check_scopes(handled, first, revision);
    }

    /// Folds were made again.
    pub(super) fn refolded(&mut self, refolded: &Refolded) {
        let known = self.consumers.get_mut(&refolded.consumer).expect("whose folds they are is known");
        assert!(!refolded.state.is_empty(), "a section makes no fold");
        for write in &refolded.state {
            let (scope, stored) = stored(&write.key, write.value.as_deref().map(Vec::as_slice));
            let expected = known.scopes.stored(&scope, stored.revision);
            assert_eq!(Some(&stored), expected.as_ref(), "the fold of {scope} that was made again");
            let before = known.state.insert(write.key.to_vec(), stored.to_bytes());
            let before = before.and_then(|before| StoredScope::from_bytes(&before));
            assert!(before.is_some_and(|before| before.revision != stored.revision), "{scope} was not stale");
            known.scopes.refolded += 1;
        }
    }

    /// What a consumer's tables say of its facts.
    pub(crate) fn check_facts(&self, consumer: ConsumerId, found: impl Fn(&Scope, u64) -> Option<Offset>) {
        let Some(known) = self.consumers.get(&consumer) else { return };
        for (scope, version, offset) in known.scopes.all() {
            assert_eq!(found(scope, version), Some(offset), "fact {version} of {scope}");
        }
        for scope in known.scopes.facts.keys() {
            assert_eq!(found(scope, known.scopes.version(scope) + 1), None, "{scope} has one fact too many");
        }
    }
}

impl Model {
    /// The facts of a consumer can be read, in the log or after a trim. `found` gives the one behind a
    /// version; none if the log does not have it yet.
    pub(crate) fn check_fact_events(
        &self,
        consumer: ConsumerId,
        found: impl Fn(&Scope, u64) -> Option<(Offset, Event)>,
    ) {
        let Some(known) = self.consumers.get(&consumer) else { return };
        for (scope, version, offset) in known.scopes.all() {
            let Some((at, event)) = found(scope, version - 1) else { continue };
            let expected = self.events.get(offset.0 as usize);
            assert_eq!((at, Some(&event)), (offset, expected), "fact {version} of {scope}");
        }
    }
}

impl Known {
    /// A command that its sender expects to be decided at other versions is answered without a call.
    fn check_expected(&self, handled: &Handled, event: &Event) {
        let expected = expectations(event).expect("sending validates it");
        let differs = |expected: &&ScopeVersion| self.scopes.version(&expected.scope) != expected.version;
        let is_looked_at =
            matches!(handled.outcome, Outcome::Done | Outcome::Retrying) && !is_expired(handled);
        let outcome = handled.command.as_ref().and_then(|change| change.outcome.as_ref());
        match expected.iter().find(differs).filter(|_| is_looked_at) {
            Some(first) => {
                let actual = self.scopes.version(&first.scope);
                let mismatch = CommandOutcome::Mismatch { expected: first.clone(), actual };
                assert_eq!(outcome, Some(&mismatch), "the command {} at other versions", handled.cause);
            }
            None => assert!(!is_mismatch(handled), "{} is at the versions it expects", handled.cause),
        }
    }

    /// The section of a decision writes exactly the scopes that its facts are about, and names their
    /// versions.
    fn check_scopes(&mut self, handled: &Handled, first: Offset, revision: u64) {
        let cause = handled.cause;
        let named = handled.command.iter().flat_map(|change| &change.scopes);
        let mut touched = BTreeMap::new();
        for ScopeFacts { scope, version, facts } in named {
            assert_eq!(*version, self.scopes.version(scope), "the version of {scope} after {cause}");
            let all = self.scopes.facts.get(scope).map(Vec::as_slice).unwrap_or_default();
            let own = all.iter().map(|(offset, _)| *offset).filter(|offset| *offset >= first);
            assert!(own.eq(facts.iter().map(|fact| first.plus((*fact).into()))), "the facts of {cause}");
            touched.extend(facts.last().map(|_| (scope.name().as_bytes(), scope)));
        }
        let written = handled.state.iter().filter(|write| is_account(&write.key));
        assert!(
            written.clone().map(|write| &**write.key).eq(touched.keys().copied()),
            "the folds of {cause}"
        );
        for write in written {
            let (scope, mut stored) = stored(&write.key, write.value.as_deref().map(Vec::as_slice));
            let expected = self.scopes.stored(&scope, revision).expect("it has facts");
            assert_eq!(stored.last_fact, Offset(0), "applying fills in the last fact of {scope}");
            stored.last_fact = expected.last_fact;
            assert_eq!(stored, expected, "the scope {scope} after {cause}");
            self.state.insert(write.key.to_vec(), stored.to_bytes());
        }
    }
}

/// Whether a section answers that a scope has another version.
pub(super) fn is_mismatch(handled: &Handled) -> bool {
    let outcome = handled.command.as_ref().and_then(|change| change.outcome.as_ref());
    matches!(outcome, Some(CommandOutcome::Mismatch { .. }))
}

fn stored(key: &[u8], value: Option<&[u8]>) -> (Scope, StoredScope) {
    let name = std::str::from_utf8(key).expect("the name of a scope is text");
    let scope = Scope::parse(name).expect("the key of a scope is its name");
    (scope, value.and_then(StoredScope::from_bytes).expect("a scope is never deleted"))
}
