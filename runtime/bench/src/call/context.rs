//! An attempt in which nothing happens, for calls whose handler does nothing.

use camshaft_event::{
    AttemptContext, EffectError, Generation, LogLevel, NewEvent, Offset, StatePage, Timestamp,
};

#[derive(Clone, Copy)]
pub struct QuietContext {
    pub offset: Offset,
    pub generation: Generation,
}

impl AttemptContext for QuietContext {
    fn attempt(&self) -> u32 {
        1
    }
    fn offset(&self) -> Offset {
        self.offset
    }
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
    fn consumer(&self) -> &str {
        "quiet"
    }
    fn generation(&self) -> Generation {
        self.generation
    }
    fn hops(&self) -> u32 {
        0
    }
    fn random(&mut self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
    fn config(&self, _: &str) -> Option<&str> {
        None
    }
    fn get(&mut self, _: &[u8]) -> Result<Option<Vec<u8>>, EffectError> {
        Ok(None)
    }
    fn set(&mut self, _: &[u8], _: &[u8]) -> Result<(), EffectError> {
        Ok(())
    }
    fn delete(&mut self, _: &[u8]) -> Result<(), EffectError> {
        Ok(())
    }
    fn scan_page(&mut self, _: &[u8], _: Option<&[u8]>, _: usize) -> Result<StatePage, EffectError> {
        Ok(StatePage::default())
    }
    fn publish(&mut self, _: NewEvent) -> Result<(), EffectError> {
        Ok(())
    }
    fn schedule(&mut self, _: &str, _: NewEvent, _: Timestamp) -> Result<(), EffectError> {
        Ok(())
    }
    fn cancel(&mut self, _: &str) -> Result<(), EffectError> {
        Ok(())
    }
    fn log(&mut self, _: LogLevel, _: &str, _: &[(String, String)]) {}
}
