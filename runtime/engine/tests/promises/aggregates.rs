//! Aggregates decide commands over scopes, and keep their truth as facts.

mod expectations;
mod facts;
mod interleavings;
mod kept;
mod kept_limit;
mod owned_facts;
mod refolding;
mod scopes;
