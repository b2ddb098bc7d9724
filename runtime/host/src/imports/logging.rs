//! `camshaft:plugin/logging`: lines for the people who run the plugin.

use camshaft_event::{AttemptContext, LogLevel};

use super::bindings::camshaft::plugin0_1_0::logging::{Host, Level};
use crate::instance::Session;

impl<C: AttemptContext + Send + 'static> Host for Session<C> {
    fn log(&mut self, level: Level, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        let level = match level {
            Level::Trace => LogLevel::Trace,
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
            Level::Critical => {
                self.note_last_words(&message);
                LogLevel::Error
            }
        };
        self.log_line(level, message, fields);
        Ok(())
    }
}
