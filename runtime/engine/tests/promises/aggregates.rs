//! Aggregates decide commands over scopes, and keep their truth as facts.

mod expectations;
mod facts;
mod owned_facts;
mod refolding;
mod scopes;
