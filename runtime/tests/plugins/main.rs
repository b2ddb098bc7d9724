//! Real plugins in the real runtime: what operators see when they are dropped in, taken away, or misbehave.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod aggregates;
mod directory;
mod misbehaving;
mod scarce_instances;
mod spinning;
mod timers;
mod world;
