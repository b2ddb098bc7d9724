//! `camshaft:plugin/context`: facts about the attempt, its clock and its random numbers.

use camshaft_event::AttemptContext;
use wasmtime::bail;

use super::bindings::camshaft::plugin0_1_0::context::Host;
use crate::instance::Session;

/// Most random bytes of one call; the contract says so.
const MAX_RANDOM_BYTES: u32 = 65_536;

impl<C: AttemptContext + Send + 'static> Host for Session<C> {
    fn attempt(&mut self) -> wasmtime::Result<u32> {
        Ok(self.context()?.attempt())
    }

    fn offset(&mut self) -> wasmtime::Result<u64> {
        Ok(self.context()?.offset().0)
    }

    fn generation(&mut self) -> wasmtime::Result<u32> {
        Ok(self.context()?.generation().0)
    }

    fn consumer(&mut self) -> wasmtime::Result<String> {
        Ok(self.context()?.consumer().to_owned())
    }

    fn now_ms(&mut self) -> wasmtime::Result<u64> {
        Ok(self.context()?.now().0)
    }

    fn random(&mut self, length: u32) -> wasmtime::Result<Vec<u8>> {
        if length > MAX_RANDOM_BYTES {
            bail!("{length} random bytes were requested, but one call returns at most {MAX_RANDOM_BYTES}");
        }
        let mut bytes = vec![0; usize::try_from(length)?];
        self.context()?.random(&mut bytes);
        Ok(bytes)
    }
}
