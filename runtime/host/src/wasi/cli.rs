//! `wasi:cli`: no arguments, no variables, no terminal; output goes to the plugin's log.

use camshaft_event::AttemptContext;
use wasmtime::{
    bail,
    component::{LinkerInstance, Resource},
};

use super::io::{Absent, InputStream, OutputStream, STDERR, STDOUT};
use crate::instance::Session;

/// Defines what `interface` of `wasi:cli` has.
pub fn link<C: AttemptContext + Send + 'static>(
    instance: &mut LinkerInstance<'_, Session<C>>,
    interface: &str,
) -> wasmtime::Result<()> {
    match interface {
        "environment" => {
            instance.func_wrap("get-environment", |_, ()| Ok((Vec::<(String, String)>::new(),)))?;
            instance.func_wrap("get-arguments", |_, ()| Ok((Vec::<String>::new(),)))?;
            instance.func_wrap("initial-cwd", |_, ()| Ok((None::<String>,)))
        }
        "exit" => instance.func_wrap("exit", |_, (_,): (Result<(), ()>,)| -> wasmtime::Result<()> {
            bail!("the guest called exit instead of returning from its handler")
        }),
        "stdin" => instance.func_wrap("get-stdin", |_, ()| Ok((Resource::<InputStream>::new_own(0),))),
        "stdout" => {
            instance.func_wrap("get-stdout", |_, ()| Ok((Resource::<OutputStream>::new_own(STDOUT),)))
        }
        "stderr" => {
            instance.func_wrap("get-stderr", |_, ()| Ok((Resource::<OutputStream>::new_own(STDERR),)))
        }
        "terminal-stdin" => no_terminal(instance, "get-terminal-stdin"),
        "terminal-stdout" => no_terminal(instance, "get-terminal-stdout"),
        "terminal-stderr" => no_terminal(instance, "get-terminal-stderr"),
        _ => Ok(()),
    }
}

fn no_terminal<C: 'static>(
    instance: &mut LinkerInstance<'_, Session<C>>,
    function: &str,
) -> wasmtime::Result<()> {
    instance.func_wrap(function, |_, ()| Ok((None::<Resource<Absent>>,)))
}
