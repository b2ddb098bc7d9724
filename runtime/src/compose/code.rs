//! The code that consumers run, by the number that their declarations carry: plugins and closures.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use camshaft_engine::Attempt;
use camshaft_event::{Answer, Event, Scope};
use camshaft_host::Prepared;
use futures_util::future::BoxFuture;

/// The number of a piece of code; never given twice while the process lives.
pub(crate) type CodeNumber = u64;

/// A Rust closure that handles events.
pub(crate) type Closure = Arc<dyn Fn(&Event, &mut Attempt) -> Answer + Send + Sync>;

/// A Rust closure that handles events and waits without a thread. Only sinks are made of it.
pub(crate) type AsyncClosure =
    Arc<dyn for<'c> Fn(&'c Event, &'c mut Attempt) -> BoxFuture<'c, Answer> + Send + Sync>;

/// A Rust closure that makes the fold of a scope from its fold so far and the facts after it.
pub(crate) type Evolve =
    Arc<dyn Fn(&Scope, Option<&[u8]>, &[Event]) -> Result<Vec<u8>, Answer> + Send + Sync>;

/// What is run for an event.
#[derive(Clone)]
pub(crate) enum Code {
    Plugin(Box<Prepared<Attempt>>),
    /// A closure, and the one that makes its folds, if it has scopes.
    Closure(Closure, Option<Evolve>),
    AsyncClosure(AsyncClosure),
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plugin(_) => "Plugin",
            Self::Closure(..) => "Closure",
            Self::AsyncClosure(_) => "AsyncClosure",
        })
    }
}

/// All code that may still be run.
#[derive(Debug, Default)]
pub(crate) struct CodeTable {
    code: RwLock<HashMap<CodeNumber, Code>>,
    next: AtomicU64,
    /// Changes whenever a number goes, so that workers drop what they keep of it.
    removals: AtomicU64,
}

impl CodeTable {
    pub(crate) fn add(&self, code: Code) -> CodeNumber {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.code.write().unwrap_or_else(PoisonError::into_inner).insert(number, code);
        number
    }

    pub(crate) fn get(&self, number: CodeNumber) -> Option<Code> {
        self.code.read().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }

    pub(crate) fn remove(&self, number: CodeNumber) {
        self.code.write().unwrap_or_else(PoisonError::into_inner).remove(&number);
        self.removals.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn removals(&self) -> u64 {
        self.removals.load(Ordering::Acquire)
    }

    pub(crate) fn contains(&self, number: CodeNumber) -> bool {
        self.code.read().unwrap_or_else(PoisonError::into_inner).contains_key(&number)
    }
}
