//! Reloads under load, with real plugins in the real runtime: what an operator does to files while events
//! flow.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod beside;
mod directory;
mod lost;
mod probation;
mod storm;
mod versions;
mod world;
