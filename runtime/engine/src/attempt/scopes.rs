//! Scopes in an attempt: what a decision loads, the facts that it records, and the folds after them.
//!
//! A scope is a state key, so a decision that reads a scope conflicts with one that writes it, by the rules
//! for every other key.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use camshaft_event::{
    EffectError, Limit, NewEvent, NewFact, Offset, Scope, ScopeFacts, ScopeVersion, StoredScope, TouchedScope,
};
use camshaft_sabotage::{Sabotage, is_on};
use camshaft_tables::TablesError;

use super::account::event_bytes;
use super::{Attempt, Effects};

/// The scopes of one decision.
#[derive(Debug, Default)]
pub(crate) struct Scopes(BTreeMap<Scope, ScopeInAttempt>);

#[derive(Debug, Default)]
struct ScopeInAttempt {
    /// The scope as it was loaded; `None` if it had no facts.
    before: Option<StoredScope>,
    /// The facts about it, as places among the events of the attempt.
    facts: Vec<u32>,
    /// The fold after the facts.
    fold: Option<Vec<u8>>,
}

impl ScopeInAttempt {
    /// The version after the decision.
    fn version(&self) -> u64 {
        self.before.as_ref().map_or(0, |before| before.version) + self.facts.len() as u64
    }

    fn waits_for_fold(&self) -> bool {
        !self.facts.is_empty() && self.fold.is_none()
    }
}

impl Scopes {
    /// What the section of the decision says of them. A refused decision has no facts.
    pub(crate) fn facts(&self, is_refused: bool) -> Vec<ScopeFacts> {
        let of = |(scope, within): (&Scope, &ScopeInAttempt)| {
            let facts = if is_refused { Vec::new() } else { within.facts.clone() };
            let version = within.version() - if is_refused { within.facts.len() as u64 } else { 0 };
            ScopeFacts { scope: scope.clone(), version, facts }
        };
        self.0.iter().map(of).collect()
    }

    /// A scope that has facts and no fold after them.
    pub(crate) fn without_fold(&self) -> Option<&Scope> {
        self.0.iter().find(|(_, within)| within.waits_for_fold()).map(|(scope, _)| scope)
    }
}

impl Attempt {
    /// The version of a scope, for the expectations of a command.
    pub(crate) fn scope_version(&mut self, scope: &Scope) -> Result<u64, EffectError> {
        Ok(self.scope(scope)?.version())
    }

    pub(super) fn load_scope(&mut self, scope: &Scope) -> Result<Option<Vec<u8>>, EffectError> {
        let within = self.scope(scope)?;
        let before = within.before.as_ref().map(|before| &before.fold);
        Ok(within.fold.as_ref().or(before).cloned())
    }

    /// The scope as the decision sees it. It is read once.
    fn scope(&mut self, scope: &Scope) -> Result<&mut ScopeInAttempt, EffectError> {
        self.check_open()?;
        if !self.spec.role.answers() {
            return self.refuse(EffectError::NoCommand);
        }
        let known = self.effects.scopes.get_or_insert_default();
        let (is_known, count) = (known.0.contains_key(scope), known.0.len());
        if !is_known {
            self.check_name(Limit::ScopeName, scope.name().len(), self.options.max_scope_bytes)?;
            self.check(Limit::Scopes, count + 1, self.options.max_scopes)?;
            let before = self.stored_scope(scope)?;
            let known = self.effects.scopes.get_or_insert_default();
            known.0.insert(scope.clone(), ScopeInAttempt { before, ..ScopeInAttempt::default() });
        }
        match self.effects.scopes.get_or_insert_default().0.entry(scope.clone()) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => Ok(entry.insert(ScopeInAttempt::default())),
        }
    }

    fn stored_scope(&mut self, scope: &Scope) -> Result<Option<StoredScope>, EffectError> {
        use camshaft_event::AttemptContext as _;
        let Some(value) = self.get(scope.name().as_bytes())? else { return Ok(None) };
        let Some(stored) = StoredScope::from_bytes(&value) else {
            return self.unavailable(TablesError::Damaged { what: "scope" });
        };
        self.charge(stored.fold.len())?;
        if stored.revision != self.spec.state_revision && !is_on(Sabotage::KeepStaleFold) {
            return self.refuse(EffectError::StaleFold { scope: scope.clone() });
        }
        Ok(Some(stored))
    }

    pub(super) fn record_fact(&mut self, fact: NewFact) -> Result<(), EffectError> {
        self.check_open()?;
        let NewFact { event, about } = fact;
        if let Err(reason) = self.check_fact(&event, &about) {
            return self.refuse(EffectError::InvalidFact { event_type: event.event_type, reason });
        }
        let limit = self.options.max_kept_bytes;
        if self.fact_bytes >= limit {
            return self.refuse(EffectError::Limit { kind: Limit::Kept, actual: self.fact_bytes, limit });
        }
        let mut versions = Vec::with_capacity(about.len());
        for scope in &about {
            let is_unread = is_on(Sabotage::RecordUnread) && !self.has_loaded(scope);
            let version = self.scope(scope)?.version() + 1;
            if is_unread {
                self.effects.reads.forget_read(scope.name().as_bytes());
            }
            versions.push(ScopeVersion { scope: scope.clone(), version });
        }
        let Some(first) = about.first() else { return Ok(()) };
        let key = (!is_on(Sabotage::KeyOfCommand)).then(|| first.name().to_owned());
        let event = NewEvent { subject: Some(first.id()), partitionkey: key, ..event };
        let event = self.new_event(event, 0, Some(ScopeVersion::list(&versions)))?;
        self.charge(event_bytes(&event))?;
        self.effects.fact_bytes += event.size() as u64;
        let place = u32::try_from(self.effects.events.len()).unwrap_or(u32::MAX);
        self.effects.events.push(event);
        for scope in &about {
            let within = self.scope(scope)?;
            within.facts.push(place);
            within.fold = None;
        }
        Ok(())
    }

    fn has_loaded(&self, scope: &Scope) -> bool {
        self.effects.scopes.as_ref().is_some_and(|scopes| scopes.0.contains_key(scope))
    }

    fn check_fact(&self, event: &NewEvent, about: &[Scope]) -> Result<(), String> {
        if self.spec.role.answers() && !self.spec.role.records().contains(&event.event_type) {
            return Err("the type is not declared; add it to `records` of the command".to_owned());
        }
        if about.is_empty() {
            return Err("it is about no scope".to_owned());
        }
        let repeated = about.iter().enumerate().find(|(index, scope)| about[..*index].contains(scope));
        if let Some((_, scope)) = repeated {
            return Err(format!("it is about scope \"{scope}\" twice"));
        }
        if event.subject.is_some() || event.partitionkey.is_some() {
            return Err("its subject and its key follow from its first scope; leave them out".to_owned());
        }
        Ok(())
    }

    pub(super) fn scopes_without_fold(&self) -> Vec<TouchedScope> {
        let Effects { scopes, events, .. } = &self.effects;
        let waiting =
            scopes.iter().flat_map(|scopes| &scopes.0).filter(|(_, within)| within.waits_for_fold());
        let touched = waiting.map(|(scope, within)| TouchedScope {
            scope: scope.clone(),
            fold: within.before.as_ref().map(|before| before.fold.clone()),
            facts: within.facts.iter().filter_map(|place| events.get(*place as usize)).cloned().collect(),
        });
        touched.collect()
    }

    pub(super) fn fold_scope(&mut self, scope: &Scope, fold: Vec<u8>) -> Result<(), EffectError> {
        self.check_open()?;
        let revision = self.spec.state_revision;
        let within = self.scope(scope)?;
        within.fold = Some(fold.clone());
        let stored = StoredScope { version: within.version(), last_fact: Offset::default(), revision, fold };
        self.write_scope(scope, &stored)
    }

    /// Writes the whole value of a scope.
    pub(crate) fn write_scope(&mut self, scope: &Scope, stored: &StoredScope) -> Result<(), EffectError> {
        self.check(Limit::Fold, stored.fold.len(), self.options.max_fold_bytes)?;
        self.write(scope.name().as_bytes(), Some(&stored.to_bytes()))
    }

    /// Whether an effect would publish a fact as if it were an event without scopes.
    pub(super) fn is_fact_without_scopes(&self, event: &NewEvent, scopes: Option<&String>) -> bool {
        scopes.is_none() && self.spec.role.records().contains(&event.event_type)
    }
}
