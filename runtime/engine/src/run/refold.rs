//! A fold of another revision: it is made again from the facts of its scope, as a section of its own.
//!
//! The batch that met it ends before the command, so the next batch decides the command by the new fold. The
//! deadline of the command does not count the time.

use std::sync::Arc;

use camshaft_event::transaction::{Refolded, Section};
use camshaft_event::{Answer, AttemptContext, HeldEvent, Scope, StoredScope};

use super::{Handler, Run, WorkerContext};
use crate::attempt::Attempt;
use crate::facts::{FoldError, fold_from_facts};

impl Run {
    /// Makes the fold of `scope` again. If that fails, the command that needs it fails.
    pub(super) fn refold(
        &mut self,
        scope: &Scope,
        context: &mut WorkerContext<'_>,
        handler: &mut dyn Handler,
    ) {
        let Some(item) = self.batch.items.get(self.next).cloned() else { return };
        let number = item.held().map_or(1, HeldEvent::next_attempt);
        let mut attempt = self.attempt(&item, number, context.clock.elapsed_us(), context);
        match refolded(&mut attempt, scope, handler) {
            Ok(true) => {
                self.push_refolded(&mut attempt);
                self.section_keys.push(item.key);
            }
            // The log does not have all facts yet.
            Ok(false) => self.run_short(attempt),
            Err(answer) => self.record(answer, attempt, context.random),
        }
    }

    fn push_refolded(&mut self, attempt: &mut Attempt) {
        let refolded = Refolded {
            consumer: self.batch.space.consumer,
            state_generation: self.batch.space.generation,
            state: attempt.effects.state_writes(),
        };
        let section = Section::Refolded(Box::new(refolded));
        self.body.push(&section);
        self.sections.push(section);
        self.reads.absorb(std::mem::take(&mut attempt.effects.reads));
        self.state_growth += attempt.effects.state_growth;
    }
}

/// Writes the fold that `evolve` makes of all facts of `scope`. Whether the log has them all.
fn refolded(attempt: &mut Attempt, scope: &Scope, handler: &mut dyn Handler) -> Result<bool, Answer> {
    let unreadable = |error: &dyn std::fmt::Display| Answer::Retry {
        after_ms: None,
        reason: format!("the fold of scope \"{scope}\" could not be made again: {error}"),
    };
    let value = attempt.get(scope.name().as_bytes()).map_err(|error| unreadable(&error))?;
    let Some(stored) = value.as_deref().and_then(StoredScope::from_bytes) else { return Ok(true) };
    let (reader, consumer) = (Arc::clone(&attempt.reader), attempt.space.consumer);
    let made = fold_from_facts(&*reader, (consumer, scope), stored.version, &mut |fold, facts| {
        handler.evolve(scope, fold, facts)
    });
    let fold = match made {
        Ok(Some(fold)) => fold,
        Ok(None) => return Ok(false),
        Err(FoldError::Facts(error)) => return Err(unreadable(&error)),
        Err(FoldError::Evolve(answer)) => return Err(answer),
    };
    let revision = attempt.spec.state_revision;
    attempt
        .write_scope(scope, &StoredScope { revision, fold, ..stored })
        .map_err(|error| Answer::Reject { reason: error.to_string() })?;
    Ok(true)
}
