//! The world `aggregate`: the contract's exports `decide` and `evolve`, and the import that only aggregates
//! have.

use super::{
    Imports, begin, failure, from_wit,
    handler::bindings::camshaft::plugin::types::{Event, Failure},
    log_output, to_wit,
};
use crate::{
    aggregate,
    decide::Decide,
    error::{Error, Result},
    evolve::Fact,
    host::{NewFact, Scopes},
    refusal::Declined,
    scope::Scope,
};

/// The interfaces of the world, without the world itself: the description of its exports is part of every
/// component that is linked with it. So the attribute macro generates the exports in the author's crate.
#[doc(hidden)]
pub mod bindings {
    #![allow(missing_docs, clippy::all, unused_qualifications, reason = "generated")]

    wit_bindgen::generate!({
        path: ["../wit/v0.1", "../wit/v0.2"],
        inline: "
            package camshaft:sdk;
            world interfaces {
                import camshaft:plugin/scopes@0.2.0;
                import camshaft:plugin/deciding@0.2.0;
            }
        ",
        with: {
            "camshaft:plugin/publisher@0.1.0": crate::guest::handler::bindings::camshaft::plugin::publisher,
            "camshaft:plugin/deciding@0.2.0": generate,
            "camshaft:plugin/scopes@0.2.0": generate,
        },
    });
}

use bindings::camshaft::plugin0_2_0::{
    deciding::{self, Decision, Refusal},
    scopes,
};

/// The export `decide`.
///
/// # Errors
/// The outer error is a failure of the attempt. A refusal is the inner one.
pub fn decide(command: Event) -> Result<Result<Decision, Refusal>, Failure> {
    begin();
    let outcome = aggregate::decide(from_wit(command), Decide::new(Box::new(Imports)));
    log_output();
    match outcome {
        Ok(decision) => {
            let facts = decision.facts.into_iter().map(fact).collect();
            Ok(Ok(Decision { facts, reply: decision.reply }))
        }
        Err(Declined::Refused(refusal)) => {
            let (code, message, data) = refusal.into_parts();
            Ok(Err(Refusal { code, message, data }))
        }
        Err(Declined::Failed(error)) => Err(failure(error)),
    }
}

/// The export `evolve`.
///
/// # Errors
/// A failure of the attempt.
pub fn evolve(scope: scopes::Scope, state: Option<Vec<u8>>, facts: Vec<Event>) -> Result<Vec<u8>, Failure> {
    begin();
    let facts: Vec<Fact> = facts.into_iter().map(|event| from_wit(event).into()).collect();
    let fold = aggregate::evolve(&Scope::new(scope.kind, scope.id), state.as_deref(), &facts);
    log_output();
    fold.map_err(failure)
}

impl Scopes for Imports {
    fn load(&self, scope: &Scope) -> Result<Option<Vec<u8>>> {
        scopes::load(&name(scope)).map_err(|error| match error {
            scopes::Error::InvalidScope(reason) => Error::reject(reason),
            scopes::Error::TooManyScopes(limit) => {
                Error::reject(format_args!("the decision concerns more than {limit} scopes"))
            }
            scopes::Error::Other(reason) => Error::retry(reason),
        })
    }
}

fn fact(fact: NewFact) -> deciding::Fact {
    deciding::Fact { event: to_wit(fact.event), about: fact.about.iter().map(name).collect() }
}

fn name(scope: &Scope) -> scopes::Scope {
    scopes::Scope { kind: scope.kind().to_owned(), id: scope.id().to_owned() }
}
