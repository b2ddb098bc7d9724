//! Scopes of aggregates: listed, shown with their folds now or at an earlier version, and their facts.

mod fold;

use std::sync::Arc;

use camshaft_engine::{SharedSequencer, StateReader};
use camshaft_event::{ConsumerId, Offset, Scope, StoredScope};
use camshaft_tables::StateSpace;

use super::{Runtime, long_reads::PAGE_BYTES, state};
use crate::ScopeError;
use crate::compose::{CodeNumber, EmbeddedStore};
use crate::view::{Encoding, FactView, Page, ScopeEntryView, ScopeView};

/// Facts that a page reads at a time.
const FACTS_AT_ONCE: usize = 64;

/// An earlier moment of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeAt {
    /// After the fact that gave the scope this version.
    Version(u64),
    /// After the last fact up to this offset.
    Offset(Offset),
}

/// An aggregate, and the code that it runs.
#[derive(Clone, Copy, Debug)]
struct Aggregate {
    space: StateSpace,
    /// Its state revision.
    revision: u64,
    /// `None` if nothing runs for it.
    code: Option<CodeNumber>,
}

impl Runtime {
    /// Shows a scope of an aggregate as it is now, or as it was at an earlier moment. The fold of an earlier
    /// version is made from the facts by the code that the aggregate runs now; nothing is stored.
    ///
    /// # Errors
    /// An unknown plugin, scope or version; facts that the log no longer has; a fold that cannot be made.
    pub async fn scope(
        &self,
        plugin: &str,
        scope: &Scope,
        at: Option<ScopeAt>,
    ) -> Result<ScopeView, ScopeError> {
        let found = self.0.core.read_durably(|sequencer| stored(sequencer, plugin, scope)).await??;
        let (aggregate, stored) = found;
        let (name, scope) = (plugin.to_owned(), scope.clone());
        let failed = |reason| ScopeError::Failed { reason };
        let Some(at) = at else {
            let view = move || ScopeView::new(&scope, &stored, aggregate.revision);
            return self.render(view).await.map_err(failed);
        };
        let core = Arc::clone(&self.0.core);
        let shown = move |sequencer: &SharedSequencer<EmbeddedStore>| {
            let then = fold::Wanted { core: &core, sequencer, plugin: &name, scope: &scope, aggregate };
            let stored = then.at(stored, at)?;
            Ok(ScopeView::new(&scope, &stored, aggregate.revision))
        };
        self.read_fold(shown, failed).await
    }

    /// Returns at most `max` facts of a scope in order, beginning with the one that gave it the version
    /// `from`. Large facts make a page shorter. `next` of the page is the version to continue with.
    ///
    /// # Errors
    /// An unknown plugin or scope, or facts that the log no longer has.
    pub async fn facts(
        &self,
        plugin: &str,
        scope: &Scope,
        from: u64,
        max: usize,
    ) -> Result<Page<FactView>, ScopeError> {
        let found = self.0.core.read_durably(|sequencer| stored(sequencer, plugin, scope)).await??;
        let (Aggregate { space, .. }, StoredScope { version, .. }) = found;
        let scope = scope.clone();
        let read = move |sequencer: &SharedSequencer<EmbeddedStore>| {
            facts(sequencer, space.consumer, &scope, from.max(1), version, max)
        };
        self.read_long(read, |reason| ScopeError::Failed { reason }).await
    }

    /// Returns at most `limit` scopes of an aggregate by name, or only those of `kind`. A plugin
    /// that is no aggregate has none. `cursor` is that of the previous page.
    ///
    /// # Errors
    /// An unknown plugin, a cursor that no page returned, or tables that cannot be read.
    pub async fn scopes(
        &self,
        plugin: &str,
        kind: Option<&str>,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<ScopeEntryView>, ScopeError> {
        let after = cursor.map(|cursor| Encoding::key(cursor).ok_or(ScopeError::Cursor)).transpose()?;
        let prefix = kind.map(|kind| format!("{kind}/")).unwrap_or_default();
        let name = plugin.to_owned();
        let read = move |sequencer: &SharedSequencer<EmbeddedStore>| {
            page(sequencer, &name, prefix.as_bytes(), limit, after)
        };
        self.read_long(read, |reason| ScopeError::Failed { reason }).await
    }
}

/// The aggregate of this name; `None` if the plugin is no aggregate.
fn aggregate(
    sequencer: &SharedSequencer<EmbeddedStore>,
    plugin: &str,
) -> Result<Option<Aggregate>, ScopeError> {
    let sequencer = sequencer.lock();
    let (Some(consumer), Some(space)) = (sequencer.consumer_state(plugin), sequencer.state_space(plugin))
    else {
        return Err(ScopeError::NoSuchPlugin { plugin: plugin.to_owned() });
    };
    if !consumer.record.role.answers() {
        return Ok(None);
    }
    let revision = sequencer.current_activation(plugin)?.map_or(0, |activation| activation.state_revision);
    let code = sequencer.codes(plugin).first().copied().filter(|_| consumer.is_attended);
    Ok(Some(Aggregate { space, revision, code }))
}

/// A scope as its aggregate has it.
fn stored(
    sequencer: &SharedSequencer<EmbeddedStore>,
    plugin: &str,
    scope: &Scope,
) -> Result<(Aggregate, StoredScope), ScopeError> {
    let not_found = || ScopeError::NotFound { plugin: plugin.to_owned(), scope: scope.clone() };
    let aggregate = aggregate(sequencer, plugin)?.ok_or_else(not_found)?;
    let found = sequencer.state(aggregate.space, scope.name().as_bytes())?.ok_or_else(not_found)?;
    let stored = StoredScope::from_bytes(&found.value).ok_or_else(not_found)?;
    Ok((aggregate, stored))
}

/// A page of facts up to the version `last`, which is durable.
fn facts(
    sequencer: &SharedSequencer<EmbeddedStore>,
    consumer: ConsumerId,
    scope: &Scope,
    from: u64,
    last: u64,
    max: usize,
) -> Result<Page<FactView>, ScopeError> {
    let (mut items, mut bytes, mut next) = (Vec::new(), 0, from);
    while next <= last && items.len() < max && bytes < PAGE_BYTES {
        let left = usize::try_from(last - next + 1).unwrap_or(usize::MAX);
        let wanted = left.min(max - items.len()).min(FACTS_AT_ONCE);
        let found = sequencer.facts(consumer, scope, next - 1, wanted);
        let found = found.map_err(|error| ScopeError::of_facts(scope, &error))?;
        if found.is_empty() {
            break;
        }
        for fact in found {
            bytes += fact.event.size();
            next = fact.version + 1;
            items.push(FactView::new(fact.version, fact.offset, fact.at, &fact.event));
        }
    }
    Ok(Page { items, next: (next <= last).then(|| next.to_string()) })
}

/// A page of scopes.
fn page(
    sequencer: &SharedSequencer<EmbeddedStore>,
    plugin: &str,
    prefix: &[u8],
    limit: usize,
    after: Option<Vec<u8>>,
) -> Result<Page<ScopeEntryView>, ScopeError> {
    let mut items = Vec::new();
    let Some(aggregate) = aggregate(sequencer, plugin)? else { return Ok(Page { items, next: None }) };
    let mut last = None;
    let more = state::entries(sequencer, aggregate.space, prefix, after, &mut |key, value| {
        // A closure may keep other state beside its scopes.
        let scope = std::str::from_utf8(&key).ok().and_then(|name| Scope::parse(name).ok());
        let Some((scope, stored)) = scope.zip(StoredScope::from_bytes(&value)) else { return true };
        let is_wanted = items.len() < limit;
        if is_wanted {
            items.push(ScopeEntryView::new(&scope, &stored, aggregate.revision));
            last = Some(key);
        }
        is_wanted
    })?;
    let next = last.filter(|_| more).as_deref().map(Encoding::cursor);
    Ok(Page { items, next })
}
