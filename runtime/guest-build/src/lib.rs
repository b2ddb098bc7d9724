//! Finds the tools that compile a plugin's source to WebAssembly, and builds guests with them: a toolchain
//! for Rust, componentizing tools for JavaScript and Python.
//!
//! `camshaft build`, xtask and the test guests use it. It installs a rustup target, and installs tools from
//! npm and pip into the target folder. It does not validate manifests or components; the host does.
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
pub use contract::{CONTRACT, CONTRACT_0_2, contract_files};
pub use language::Language;
pub use script::{Script, ScriptError};
pub use toolchain::{NoToolchain, Toolchain, Way};

/// The compilation target of guests.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
