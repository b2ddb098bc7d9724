//! The facts of a decision: an event, and the scopes that it is about.

use std::{cell::RefCell, mem};

use crate::{
    codec::Encode,
    decide::Draft,
    error::Result,
    host::{NewEvent, NewFact},
    publish::{encoded, event_attributes},
    scope::Scope,
};

/// A fact without scopes yet, from [`Decide::record`](crate::Decide::record). Its subject and ordering key
/// follow from its first scope.
#[must_use = "a fact is recorded by `.about(…)`"]
pub struct Record<'c, T: ?Sized> {
    draft: &'c RefCell<Draft>,
    event: NewEvent,
    data: &'c T,
    has_scope: bool,
}

impl<'c, T: Encode + ?Sized> Record<'c, T> {
    pub(crate) fn new(draft: &'c RefCell<Draft>, event_type: &str, data: &'c T) -> Self {
        let event = NewEvent { event_type: event_type.to_owned(), ..NewEvent::default() };
        Self { draft, event, data, has_scope: false }
    }

    event_attributes!();

    /// Records the fact about a scope: a [`Loaded`](crate::Loaded) state or a [`Scope`].
    ///
    /// # Errors
    /// A reject if the data cannot be encoded.
    pub fn about(mut self, scope: &impl AsRef<Scope>) -> Result<Recorded<'c>> {
        self.has_scope = true;
        let draft = self.draft;
        match encoded(mem::take(&mut self.event), self.data) {
            Ok(event) => {
                let facts = &mut draft.borrow_mut().facts;
                facts.push(NewFact { event, about: vec![scope.as_ref().clone()] });
                Ok(Recorded { draft, at: facts.len() - 1 })
            }
            Err(error) => Err(draft.borrow_mut().fail(error.reason().to_owned())),
        }
    }
}

/// A forgotten scope would drop the fact without a word, so it fails the decision.
impl<T: ?Sized> Drop for Record<'_, T> {
    fn drop(&mut self) {
        if !self.has_scope {
            let reason = format!("fact `{}` is about no scope; add `.about(…)`", self.event.event_type);
            self.draft.borrow_mut().fail(reason);
        }
    }
}

/// A fact with at least one scope.
pub struct Recorded<'c> {
    draft: &'c RefCell<Draft>,
    at: usize,
}

/// Adds further scopes to a fact. Part of the prelude.
pub trait AboutExt {
    /// Records the fact about this scope, too.
    ///
    /// # Errors
    /// A reject if the fact is about the scope already, or could not be recorded.
    #[must_use = "the fact may not be recorded; add `?`"]
    fn about(self, scope: &impl AsRef<Scope>) -> Self;
}

impl AboutExt for Result<Recorded<'_>> {
    fn about(self, scope: &impl AsRef<Scope>) -> Self {
        let (recorded, scope) = (self?, scope.as_ref());
        let mut draft = recorded.draft.borrow_mut();
        let fact = draft.facts.get_mut(recorded.at).expect("facts are only added");
        if fact.about.contains(scope) {
            let reason = format!("fact `{}` is about `{scope}` twice", fact.event.event_type);
            return Err(draft.fail(reason));
        }
        fact.about.push(scope.clone());
        drop(draft);
        Ok(recorded)
    }
}
