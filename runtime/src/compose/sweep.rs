//! The thread that makes the stale folds of an aggregate again, after code of another revision has taken
//! over. Decisions do not wait for it: they make the folds that they need themselves.

use std::sync::Arc;
use std::time::Duration;

use camshaft_engine::{FactsError, FoldError, RefoldCommit, StateReader, fold_from_facts};
use camshaft_event::{Answer, Event, Scope, StoredScope};
use camshaft_tables::{PortionBounds, StateSpace, TablesError, Versioned};

use super::code::CodeNumber;
use super::core::Core;
use super::folds::Evolver;
use super::{Thread, priority};

/// How much of the state is looked at in one step.
const PORTION: PortionBounds = PortionBounds { entries: 64, bytes: 1 << 20 };

/// How often a fold is tried again that `evolve` could not make.
const TRIES: u32 = 25;

/// How soon the sweep looks again whether it may go on.
const AGAIN: Duration = Duration::from_millis(200);

/// An aggregate whose folds are made again.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Swept {
    space: StateSpace,
    revision: u64,
    code: CodeNumber,
}

/// What a sweep has done.
#[derive(Default)]
struct Count {
    made: u64,
    failed: u64,
    /// The first failure.
    failure: Option<String>,
}

impl Core {
    /// Starts the sweep of the aggregate `name`. It ends with its last scope, or when other code takes over.
    pub(crate) fn sweep_folds(self: &Arc<Self>, name: &str) {
        let name = name.to_owned();
        let started = self.spawn(Thread::Folds, move |core| {
            priority::step_back();
            if let Err(error) = sweep(core, &name) {
                core.fail(error);
            }
        });
        if let Err(error) = started {
            tracing::warn!(%error, "no thread to make folds again; decisions make those that they need");
        }
    }

    /// Waits while a version is on probation, since it may be rolled back. `None` if nothing is to be swept.
    fn to_sweep(&self, name: &str) -> Option<Swept> {
        while !self.is_draining() {
            {
                let sequencer = self.sequencer.lock();
                let state = sequencer.consumer_state(name).filter(|state| state.is_attended)?;
                if state.probation.is_none() {
                    let revision = sequencer.current_activation(name).ok()??.state_revision;
                    let (space, code) =
                        (sequencer.state_space(name)?, sequencer.codes(name).first().copied()?);
                    return Some(Swept { space, revision, code });
                }
            }
            let seen = self.plugins.count();
            self.plugins.wait(seen, Some(AGAIN));
        }
        None
    }
}

fn sweep(core: &Arc<Core>, name: &str) -> Result<(), TablesError> {
    let Some(swept) = core.to_sweep(name) else { return Ok(()) };
    let Ok(mut evolver) = core.evolver(name, swept.code) else { return Ok(()) };
    let (mut after, mut count) = (None, Count::default());
    loop {
        let portion = core.sequencer.state_portion(swept.space, b"", after.as_deref(), PORTION)?;
        for (key, found) in portion.entries {
            if core.to_sweep(name) != Some(swept) {
                return Ok(());
            }
            let Some((scope, stored)) =
                scope(&key, &found).filter(|(_, stored)| stored.revision != swept.revision)
            else {
                continue;
            };
            let _deadlines = core.count_deadlines();
            match refold(core, swept, &mut evolver, (&scope, &found), stored)? {
                Ok(()) => count.made += 1,
                Err(failure) => {
                    count.failed += 1;
                    count.failure.get_or_insert(failure);
                }
            }
        }
        after = portion.after;
        if after.is_none() {
            break;
        }
    }
    report(name, &count);
    Ok(())
}

fn report(name: &str, count: &Count) {
    if let Some(failure) = &count.failure {
        let (made, failed) = (count.made, count.failed);
        tracing::warn!(plugin = name, made, failed, failure, "some folds could not be made again");
    } else if count.made > 0 {
        tracing::info!(plugin = name, made = count.made, "all folds of another revision were made again");
    }
}

/// The scope under a state key.
fn scope(key: &[u8], found: &Versioned) -> Option<(Scope, StoredScope)> {
    let scope = Scope::parse(std::str::from_utf8(key).ok()?).ok()?;
    Some((scope, StoredScope::from_bytes(&found.value)?))
}

/// Makes one fold again and commits it. A scope that a decision changes meanwhile has a new fold by then.
fn refold(
    core: &Core,
    swept: Swept,
    evolver: &mut Evolver<'_>,
    (scope, found): (&Scope, &Versioned),
    stored: StoredScope,
) -> Result<Result<(), String>, TablesError> {
    let mut tries = TRIES;
    loop {
        let evolve = &mut |fold: Option<&[u8]>, facts: &[Event]| evolver.evolve(scope, fold, facts);
        let made = fold_from_facts(&core.sequencer, (swept.space.consumer, scope), stored.version, evolve);
        let fold = match made {
            Ok(fold) => fold,
            Err(FoldError::Facts(FactsError::Tables(error))) => return Err(error),
            // There may be no instance for it now.
            Err(FoldError::Evolve(Answer::Retry { .. })) if tries > 0 => {
                tries -= 1;
                None
            }
            Err(error) => return Ok(Err(format!("scope \"{scope}\": {error}"))),
        };
        if let Some(fold) = fold {
            let new = StoredScope { revision: swept.revision, fold, ..stored.clone() };
            match core.step(|sequencer| sequencer.refold(swept.space, scope, found, &new, core.now()))? {
                RefoldCommit::At(_) | RefoldCommit::Changed => return Ok(Ok(())),
                RefoldCommit::Unready(_) => {}
            }
        }
        if core.is_draining() {
            return Ok(Ok(()));
        }
        let seen = core.plugins.count();
        core.plugins.wait(seen, Some(AGAIN));
    }
}
