//! What a plugin can do without a grant: the interfaces of the contract, over the attempt's context.
//!
//! One file per interface. None of them holds anything of its own; each call goes to the
//! [`AttemptContext`] that the caller of the instance lent for this attempt.

mod config;
mod context;
mod logging;
mod publisher;
mod refused;
mod state;

use camshaft_event::AttemptContext;
use wasmtime::component::{HasSelf, Linker};

use crate::instance::Session;
pub use state::Cursor;

/// Types and traits of the contract's imports, made from the WIT files.
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/v0.1",
        world: "imports",
        imports: { default: trappable },
        with: { "camshaft:plugin/state.cursor": super::Cursor },
    });
}

/// Gives `linker` every interface of the contract.
pub fn link<C: AttemptContext + Send + 'static>(linker: &mut Linker<Session<C>>) -> wasmtime::Result<()> {
    bindings::Imports::add_to_linker::<_, HasSelf<_>>(linker, |session| session)
}
