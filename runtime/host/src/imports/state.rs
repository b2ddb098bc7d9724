//! `camshaft:plugin/state`: the plugin's durable values, and cursors over them.

use camshaft_event::AttemptContext;
use wasmtime::{bail, component::Resource};

use super::{
    bindings::camshaft::plugin0_1_0::state::{Error, Host, HostCursor},
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
        // Nothing is read yet, but the host keeps the prefix, so it must be no longer than one may be.
        if let Err(error) = self.context()?.scan_page(&prefix, None, 0) {
            return refused::state(Err(error));
        }
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
        let max = match usize::try_from(max)? {
            0 => PAGE_ENTRIES,
            max => max.min(PAGE_ENTRIES),
        };
        loop {
            // A page without entries is not the end: a long stretch of deleted keys is passed over in
            // several.
            self.check_time()?;
            let (context, resources) = self.context_and_resources()?;
            let cursor = resources.get_mut(&cursor)?;
            if cursor.attempt_serial != serial {
                bail!("a state cursor of an earlier attempt was used");
            }
            if cursor.ended {
                return Ok(Ok(Vec::new()));
            }
            let page = match context.scan_page(&cursor.prefix, cursor.after.as_deref(), max) {
                Ok(page) => page,
                Err(error) => return refused::state(Err(error)),
            };
            cursor.ended = page.after.is_none();
            cursor.after = page.after;
            if !page.entries.is_empty() {
                return Ok(Ok(page.entries));
            }
        }
    }

    fn drop(&mut self, cursor: Resource<Cursor>) -> wasmtime::Result<()> {
        self.resources.delete(cursor)?;
        Ok(())
    }
}
