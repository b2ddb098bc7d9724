//! What authors of Camshaft plugins import.
#![deny(missing_docs)]

// So that doctests and this crate's own tests can use the attribute, which names the crate.
extern crate self as camshaft_sdk;

mod codec;
mod context;
mod error;
mod event;
#[cfg(target_family = "wasm")]
mod guest;
mod handler;
mod host;
mod publish;
mod state;
pub mod testing;

pub use camshaft_sdk_macros::handler;
pub use codec::{Decode, Encode};
pub use context::Context;
pub use error::{Error, OutcomeExt, Result};
pub use event::{Bytes, Event};
pub use host::Level;
pub use publish::EventBuilder;
pub use state::{Entry, Scan, State};

/// Everything that a handler usually needs: `use camshaft_sdk::prelude::*;`.
pub mod prelude {
    pub use crate::{Bytes, Context, Error, Event, OutcomeExt, Result, handler};
}

/// For code that `#[handler]` writes. Nothing in here is part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use inventory;

    pub use crate::handler::{Handler, decode};
}
