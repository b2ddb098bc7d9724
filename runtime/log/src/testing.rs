//! What tests of this crate and of those above need: a disk in memory that fails on demand, and the suite
//! that every log must pass.
//!
//! Behind the feature `testing`; no part of the running program.

pub mod conformance;
pub mod kept;
pub mod memory_disk;
pub mod random;
pub mod sample;

pub use memory_disk::MemoryDisk;
pub use random::Random;
