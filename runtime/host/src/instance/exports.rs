//! The functions that a plugin exports, by its world: found and type-checked once for a plugin, then taken
//! from each instance.

use wasmtime::{
    Store,
    component::{
        self, Component, ComponentExportIndex, ComponentNamedList, Lift, Lower, TypedFunc,
        types::ComponentItem,
    },
};

use super::{
    call::{Disposition, EventView},
    decision::{Decision, GuestRefusal, ScopeView},
};
use crate::{
    World,
    world::{DECIDE, EVOLVE, HANDLE},
};

/// What `handle` and `decide` take. The lifetime is only the longest one; each call has its own.
pub type EventParams = (EventView<'static>,);
/// What `handle` returns: `ok` or a disposition.
pub type HandleResult = (Result<(), Disposition>,);
/// What `decide` returns: an answer or a disposition.
pub type DecideResult = (Result<Result<Decision, GuestRefusal>, Disposition>,);
/// What `evolve` takes: the scope, its fold and the facts that follow.
pub type EvolveParams = (ScopeView<'static>, Option<&'static [u8]>, &'static [EventView<'static>]);
/// What `evolve` returns: the new fold or a disposition.
pub type EvolveResult = (Result<Vec<u8>, Disposition>,);

/// The exported function `handle`.
pub type HandleFn = TypedFunc<EventParams, HandleResult>;
/// The exported function `decide`.
pub type DecideFn = TypedFunc<EventParams, DecideResult>;
/// The exported function `evolve`.
pub type EvolveFn = TypedFunc<EvolveParams, EvolveResult>;

/// The exported functions of an instance.
#[derive(Clone, Copy)]
pub enum Exports {
    /// Those of a handler.
    Handler(HandleFn),
    /// Those of an aggregate.
    Aggregate(DecideFn, EvolveFn),
}

/// Where a component has the exported functions of its world.
#[derive(Clone, Copy)]
pub enum ExportIndices {
    /// Where a handler has `handle`.
    Handler(ComponentExportIndex),
    /// Where an aggregate has `decide` and `evolve`.
    Aggregate(ComponentExportIndex, ComponentExportIndex),
}

impl ExportIndices {
    /// Finds the functions of `world` and checks their types.
    pub fn find(component: &Component, world: World) -> wasmtime::Result<Self> {
        Ok(match world {
            World::Handler => Self::Handler(index::<EventParams, HandleResult>(component, HANDLE)?),
            World::Aggregate => Self::Aggregate(
                index::<EventParams, DecideResult>(component, DECIDE)?,
                index::<EvolveParams, EvolveResult>(component, EVOLVE)?,
            ),
        })
    }

    /// The functions of `instance`.
    pub fn of<T>(self, store: &mut Store<T>, instance: &component::Instance) -> wasmtime::Result<Exports> {
        Ok(match self {
            Self::Handler(handle) => Exports::Handler(instance.get_typed_func(&mut *store, handle)?),
            Self::Aggregate(decide, evolve) => Exports::Aggregate(
                instance.get_typed_func(&mut *store, decide)?,
                instance.get_typed_func(&mut *store, evolve)?,
            ),
        })
    }
}

fn index<P, R>(component: &Component, name: &str) -> wasmtime::Result<ComponentExportIndex>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    match component.get_export(None, name) {
        Some((ComponentItem::ComponentFunc(signature), index)) => {
            signature.typecheck::<P, R>(&component.component_type().instance_type()).map(|()| index)
        }
        _ => Err(wasmtime::format_err!("its export \"{name}\" is not a function")),
    }
}
