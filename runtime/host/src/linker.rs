//! Which functions a component is linked to: the contract's, WASI's, and those of the ways out that it was
//! granted.

use std::collections::BTreeSet;

use camshaft_event::AttemptContext;
use wasmtime::component::{Component, Linker};

use crate::{
    World,
    egress::{HTTP, WaysOut},
    imports,
    instance::Session,
    wasi,
};

/// A linker with everything that `component`, a plugin of this `world`, may import. Only the ways out that
/// are `open` lead anywhere; the functions of all others are there and say no.
pub fn linker<C: AttemptContext + Send + 'static>(
    component: &Component,
    world: World,
    ways_out: &WaysOut,
    open: &BTreeSet<String>,
) -> wasmtime::Result<Linker<Session<C>>> {
    let mut linker = Linker::new(component.engine());
    imports::link(&mut linker, world)?;
    wasi::link(&mut linker, component, open.contains(HTTP))?;
    ways_out.link(&mut linker, open)?;
    wasi::deny(&mut linker, component, |import| {
        ways_out.capability_of(import).is_some_and(|capability| !open.contains(capability))
    })?;
    Ok(linker)
}
