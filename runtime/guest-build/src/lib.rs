//! Finds a toolchain that can compile to WebAssembly and builds guests with it.
//!
//! Called by `camshaft build`, by xtask and by the test guests. It installs nothing but a rustup target, reads
//! no manifest and judges no component: that is the host's.
//!
//! ```no_run
//! use camshaft_guest_build::{Guests, Toolchain};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let toolchain = Toolchain::find()?;
//! let guests = Guests::in_folder("plugins/tally");
//! for component in toolchain.build(&guests)? {
//!     println!("{} is at {}", component.name, component.path.display());
//! }
//! # Ok(())
//! # }
//! ```

mod compile;
mod componentize;
mod toolchain;

pub use compile::{BuildError, Component, Guests};
pub use componentize::{ComponentizeError, componentize};
pub use toolchain::{NoToolchain, Toolchain, Way};

/// The target that guests are compiled for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
