//! The fold of a scope at an earlier version, made from its facts.

use camshaft_engine::{FoldError, SharedSequencer, fold_from_facts};
use camshaft_event::{Answer, Offset, Scope, StoredScope};

use super::{Aggregate, ScopeAt};
use crate::compose::{Core, EmbeddedStore};
use crate::{ScopeError, Unavailable};

/// A scope whose earlier fold is wanted.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'w> {
    pub(super) core: &'w Core,
    pub(super) sequencer: &'w SharedSequencer<EmbeddedStore>,
    pub(super) plugin: &'w str,
    pub(super) scope: &'w Scope,
    pub(super) aggregate: Aggregate,
}

impl Wanted<'_> {
    /// The scope at an earlier moment than `now`, which is durable.
    pub(super) fn at(self, now: StoredScope, at: ScopeAt) -> Result<StoredScope, ScopeError> {
        let version = match at {
            ScopeAt::Version(version) => version,
            ScopeAt::Offset(offset) => self.version_at(offset, now.version)?,
        };
        if version == 0 || version > now.version {
            let scope = self.scope.clone();
            return Err(ScopeError::NoSuchVersion { scope, version, last: now.version });
        }
        if version == now.version && now.revision == self.aggregate.revision {
            return Ok(now);
        }
        self.folded(version)
    }

    /// The number of facts up to `offset`.
    fn version_at(self, offset: Offset, last: u64) -> Result<u64, ScopeError> {
        // The facts of a scope lie in the log in the order of their versions.
        let (mut some, mut beyond) = (0, last + 1);
        while beyond - some > 1 {
            let version = some + (beyond - some) / 2;
            if self.offset_of(version)? <= offset { some = version } else { beyond = version }
        }
        if some > 0 {
            return Ok(some);
        }
        Err(ScopeError::Before { scope: self.scope.clone(), offset, first: self.offset_of(1)? })
    }

    fn offset_of(self, version: u64) -> Result<Offset, ScopeError> {
        let found = self.sequencer.fact_offset(self.aggregate.space.consumer, self.scope, version)?;
        let missing = || format!("fact {version} of scope \"{}\" is missing", self.scope);
        found.ok_or_else(|| ScopeError::Failed { reason: missing() })
    }

    /// The fold after the first `version` facts.
    fn folded(self, version: u64) -> Result<StoredScope, ScopeError> {
        let unavailable = |reason: String| self.no_fold(reason);
        let code = self.aggregate.code.ok_or_else(|| self.no_fold("no code runs for it".to_owned()))?;
        // It may have been replaced since.
        let evolver = self.core.evolver(self.plugin, code);
        let mut evolver = evolver.map_err(|reason| unavailable(reason.to_owned()))?;
        let _deadlines = self.core.count_deadlines();
        let (reader, consumer) = (self.sequencer, self.aggregate.space.consumer);
        let made = fold_from_facts(reader, (consumer, self.scope), version, &mut |fold, facts| {
            if self.core.is_draining() {
                return Err(Answer::Retry { after_ms: None, reason: String::new() });
            }
            evolver.evolve(self.scope, fold, facts)
        });
        let missing =
            || ScopeError::Failed { reason: format!("not all facts of \"{}\" can be read", self.scope) };
        let fold = match made {
            Ok(fold) => fold.ok_or_else(missing)?,
            Err(_) if self.core.is_draining() => return Err(Unavailable::ShuttingDown.into()),
            Err(FoldError::Facts(error)) => return Err(ScopeError::of_facts(self.scope, &error)),
            Err(error @ FoldError::Evolve(_)) => return Err(self.no_fold(error.to_string())),
        };
        let revision = self.aggregate.revision;
        Ok(StoredScope { version, last_fact: self.offset_of(version)?, revision, fold })
    }

    fn no_fold(self, reason: String) -> ScopeError {
        ScopeError::NoFold { plugin: self.plugin.to_owned(), scope: self.scope.clone(), reason }
    }
}
