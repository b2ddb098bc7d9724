//! `camshaft:plugin/config`: the plugin's settings.

use camshaft_event::AttemptContext;

use super::bindings::camshaft::plugin0_1_0::config::Host;
use crate::instance::Session;

impl<C: AttemptContext + Send + 'static> Host for Session<C> {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        Ok(self.context()?.config(&key).map(str::to_owned))
    }
}
