//! Finds what can make WebAssembly of a plugin's source, and builds guests with it: a toolchain for Rust, the
//! componentizing tools for JavaScript and Python.
//!
//! Called by `camshaft build`, by xtask and by the test guests. It installs a rustup target, and the tools of
//! npm and pip into the target folder; it judges no manifest and no component: that is the host's.
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
mod contract;
mod language;
mod origins;
mod script;
mod stamp;
mod toolchain;
mod workspace;

pub use compile::{BuildError, Component, Guests};
pub use componentize::{ComponentizeError, componentize};
pub use contract::CONTRACT;
pub use language::Language;
pub use script::{Script, ScriptError};
pub use toolchain::{NoToolchain, Toolchain, Way};

/// The target that guests are compiled for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
