//! `camshaft:plugin/scopes`: the folds that a decision reads.

use camshaft_event::{AttemptContext, InvalidScope, Scope};

use super::{
    bindings::camshaft::plugin0_2_0::scopes::{Error, Host, Scope as GuestScope},
    refused,
};
use crate::instance::{Session, bounded};

impl<C: AttemptContext + Send + 'static> Host for Session<C> {
    fn load(&mut self, guests: GuestScope) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        let context = self.context()?;
        match scope(&guests) {
            Ok(scope) => {
                let outcome = context.load(&scope);
                refused::scopes(outcome)
            }
            // The context knows valid scopes only, so the session ends the attempt.
            Err(error) => {
                let reason = bounded(error.to_string());
                self.refuse(reason.clone());
                Ok(Err(Error::InvalidScope(reason)))
            }
        }
    }
}

/// The scope that a guest names.
pub fn scope(guests: &GuestScope) -> Result<Scope, InvalidScope> {
    Scope::new(&guests.kind, &guests.id)
}
