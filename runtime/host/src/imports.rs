//! What a plugin can do without a grant: the interfaces of the contract, over the attempt's context.
//!
//! One file per interface. None of them holds anything of its own; each call goes to the
//! [`AttemptContext`] that the caller of the instance lent for this attempt.

mod config;
mod context;
mod logging;
mod publisher;
mod refused;
mod scopes;
mod state;

use camshaft_event::AttemptContext;
use wasmtime::component::{HasSelf, Linker};

use crate::{World, instance::Session};
pub use bindings::camshaft::{
    plugin0_1_0::publisher::NewEvent as GuestEvent, plugin0_2_0::scopes::Scope as GuestScope,
};
pub use publisher::new_event;
pub use scopes::scope;
pub use state::Cursor;

/// Types and traits of the contract's imports, made from the WIT files.
mod bindings {
    wasmtime::component::bindgen!({
        path: ["../../wit/v0.1", "../../wit/v0.2"],
        inline: "
            package camshaft:host;
            world imports {
                include camshaft:plugin/imports@0.1.0;
                import camshaft:plugin/scopes@0.2.0;
            }
        ",
        world: "camshaft:host/imports",
        imports: { default: trappable },
        with: { "camshaft:plugin/state@0.1.0.cursor": super::Cursor },
    });
}

/// Gives `linker` the interfaces of the contract that a plugin of this `world` may call.
pub fn link<C: AttemptContext + Send + 'static>(
    linker: &mut Linker<Session<C>>,
    world: World,
) -> wasmtime::Result<()> {
    use bindings::camshaft::{plugin0_1_0 as v0_1, plugin0_2_0 as v0_2};

    v0_1::config::add_to_linker::<_, HasSelf<_>>(linker, |session| session)?;
    v0_1::logging::add_to_linker::<_, HasSelf<_>>(linker, |session| session)?;
    v0_1::context::add_to_linker::<_, HasSelf<_>>(linker, |session| session)?;
    match world {
        World::Handler => {
            v0_1::state::add_to_linker::<_, HasSelf<_>>(linker, |session| session)?;
            v0_1::publisher::add_to_linker::<_, HasSelf<_>>(linker, |session| session)
        }
        World::Aggregate => v0_2::scopes::add_to_linker::<_, HasSelf<_>>(linker, |session| session),
    }
}
