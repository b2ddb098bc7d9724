//! WASI with nothing in it, for components built for wasm32-wasip2.
//!
//! Linked only for a component that imports it. Clocks and random numbers are the attempt's, output goes to
//! the plugin's log, and there are no arguments, variables, files or sockets. A function that would open a
//! way out answers with the interface's own "access denied" where it has one, and traps where it has not.
//!
//! A plugin that may send requests has to wait for what comes back: its streams and pollables are real, see
//! `waiting`.

mod cli;
mod clocks;
mod denied;
mod io;
mod random;
mod waiting;
mod waits;

use camshaft_event::AttemptContext;
pub use waiting::Written;
pub use waits::Waits;
use wasmtime::component::{Component, Linker, types::ComponentItem};

use crate::{contract, instance::Session};

/// Gives `linker` every function of WASI that `component` imports. Who `waits` gets streams that can be
/// waited for.
pub fn link<C: AttemptContext + Send + 'static>(
    linker: &mut Linker<Session<C>>,
    component: &Component,
    waits: bool,
) -> wasmtime::Result<()> {
    let engine = component.engine();
    for (import, item) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(interface) = item.ty else { continue };
        if !contract::is_wasi(import) || waits && import.starts_with("wasi:io/") {
            continue;
        }
        let name = import.split('@').next().unwrap_or(import);
        linker.allow_shadowing(true);
        let mut instance = linker.instance(import)?;
        for (item_name, item) in interface.exports(engine) {
            match item.ty {
                ComponentItem::ComponentFunc(_) => {
                    denied::function(&mut instance, import, item_name, "a plugin does not have")?;
                }
                ComponentItem::Resource(_) if waits && waiting::is_real(item_name) => {}
                ComponentItem::Resource(_) => io::resource(&mut instance, item_name)?,
                _ => {}
            }
        }
        match name.split_once('/') {
            Some((package, interface)) if waits && waiting::link(&mut instance, package, interface)? => {}
            Some(("wasi:cli", interface)) => cli::link(&mut instance, interface)?,
            Some(("wasi:clocks", interface)) => clocks::link(&mut instance, interface)?,
            Some(("wasi:io", interface)) => io::link(&mut instance, interface)?,
            Some(("wasi:random", interface)) => random::link(&mut instance, interface)?,
            Some(("wasi:filesystem", "preopens")) => {
                instance.func_wrap("get-directories", |_, ()| Ok((Vec::<(Descriptor, String)>::new(),)))?;
            }
            _ => {}
        }
    }
    if waits {
        wasmtime_wasi_io::add_to_linker_async(linker)?;
    }
    linker.allow_shadowing(false);
    Ok(())
}

/// Gives `linker` every function of the interfaces that `component` imports and that are closed, each saying
/// no.
pub fn deny<C: 'static>(
    linker: &mut Linker<Session<C>>,
    component: &Component,
    is_closed: impl Fn(&str) -> bool,
) -> wasmtime::Result<()> {
    let engine = component.engine();
    for (import, item) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(interface) = item.ty else { continue };
        if !is_closed(import) {
            continue;
        }
        let mut instance = linker.instance(import)?;
        for (item_name, item) in interface.exports(engine) {
            match item.ty {
                ComponentItem::ComponentFunc(_) => {
                    denied::function(&mut instance, import, item_name, "leads outside and is closed")?;
                }
                ComponentItem::Resource(_) => io::resource(&mut instance, item_name)?,
                _ => {}
            }
        }
    }
    Ok(())
}

/// A file or folder. There are none.
type Descriptor = wasmtime::component::Resource<io::Absent>;
