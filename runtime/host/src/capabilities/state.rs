//! `camshaft:plugin/state`: the plugin's durable values, and cursors over them.

use camshaft_event::AttemptContext;
use wasmtime::{bail, component::Resource};

use super::{
    bindings::camshaft::plugin::state::{Error, Host, HostCursor},
    refused,
};
use crate::instance::Session;

/// Entries of a page when the guest leaves the number to the host, and the most it may ask for.
const PAGE_ENTRIES: usize = 64;

/// A reading place in the state. It belongs to one attempt.
pub struct Cursor {
    attempt_serial: u64,
    prefix: Vec<u8>,
    after: Option<Vec<u8>>,
    ended: bool,
}

impl<C: AttemptContext + Send + 'static> Host for Session<C> {
    fn get(&mut self, key: Vec<u8>) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        let outcome = self.context()?.get(&key);
        refused::state(outcome)
    }

    fn set(&mut self, key: Vec<u8>, value: Vec<u8>) -> wasmtime::Result<Result<(), Error>> {
        let outcome = self.context()?.set(&key, &value);
        refused::state(outcome)
    }

    fn delete(&mut self, key: Vec<u8>) -> wasmtime::Result<Result<(), Error>> {
        let outcome = self.context()?.delete(&key);
        refused::state(outcome)
    }

    fn scan(&mut self, prefix: Vec<u8>) -> wasmtime::Result<Result<Resource<Cursor>, Error>> {
        self.context()?;
        let attempt_serial = self.attempt_serial();
        let cursor = Cursor { attempt_serial, prefix, after: None, ended: false };
        // The table is bounded: a guest that never drops its cursors traps here.
        Ok(Ok(self.resources.push(cursor)?))
    }
}

impl<C: AttemptContext + Send + 'static> HostCursor for Session<C> {
    fn next_page(
        &mut self,
        cursor: Resource<Cursor>,
        max: u32,
    ) -> wasmtime::Result<Result<Vec<(Vec<u8>, Vec<u8>)>, Error>> {
        let serial = self.attempt_serial();
        let (context, resources) = self.context_and_resources()?;
        let cursor = resources.get_mut(&cursor)?;
        if cursor.attempt_serial != serial {
            bail!("a state cursor of an earlier attempt was used");
        }
        if cursor.ended {
            return Ok(Ok(Vec::new()));
        }
        let max = match usize::try_from(max)? {
            0 => PAGE_ENTRIES,
            max => max.min(PAGE_ENTRIES),
        };
        let page = context.scan(&cursor.prefix, cursor.after.as_deref(), max);
        if let Ok(entries) = &page {
            cursor.after = entries.last().map(|(key, _)| key.clone());
            cursor.ended = entries.is_empty();
        }
        refused::state(page)
    }

    fn drop(&mut self, cursor: Resource<Cursor>) -> wasmtime::Result<()> {
        self.resources.delete(cursor)?;
        Ok(())
    }
}
